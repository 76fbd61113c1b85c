from datasets import load_dataset

from trl import SFTConfig, SFTTrainer
from unsloth import FastLanguageModel
from unsloth.chat_templates import get_chat_template, standardize_sharegpt

model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen3-8B-unsloth-bnb-4bit", max_seq_length=2048, load_in_4bit=True)
model = FastLanguageModel.get_peft_model(
    model, r=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    lora_alpha=16, lora_dropout=0, bias="none", use_gradient_checkpointing="unsloth")
tokenizer = get_chat_template(tokenizer, chat_template="qwen3")


def apply(rows):
    return {"text": [tokenizer.apply_chat_template(c, tokenize=False, add_generation_prompt=False) for c in rows["conversations"]]}


dataset = standardize_sharegpt(load_dataset("mlabonne/FineTome-100k", split="train")).map(apply, batched=True)
trainer = SFTTrainer(model=model, processing_class=tokenizer, train_dataset=dataset,
                     
                     args=SFTConfig(per_device_train_batch_size=2, gradient_accumulation_steps=4, warmup_steps=5,
                                            max_steps=60, learning_rate=2e-4, optim="adamw_8bit", output_dir="outputs"))
trainer.train()
model.save_pretrained("lora_model")
tokenizer.save_pretrained("lora_model")
