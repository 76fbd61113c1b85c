import datasets
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

tok = AutoTokenizer.from_pretrained("google/gemma-2-2b-it")


def to_text(example):
    chat = [{"role": "user", "content": example["q"]}, {"role": "assistant", "content": example["a"]}]
    example["text"] = tok.apply_chat_template(chat, tokenize=False, add_generation_prompt=False)
    return example


ds = datasets.load_dataset("json", data_files={"train": "qa.json"})
ds = ds.map(to_text)
lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM")
config = SFTConfig("gemma-qa", learning_rate=2e-4, num_train_epochs=2, max_length=1024, bf16=True)
model = AutoModelForCausalLM.from_pretrained("google/gemma-2-2b-it", dtype="bfloat16", attn_implementation="eager")
trainer = SFTTrainer(model, config, train_dataset=ds["train"], peft_config=lora, processing_class=tok)
trainer.train()
