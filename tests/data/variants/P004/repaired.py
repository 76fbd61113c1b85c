from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments


def arguments(out, long_inputs):
    arguments = TrainingArguments(output_dir=out, learning_rate=2e-4, num_train_epochs=2, bf16=True)
    arguments.gradient_checkpointing = True
    arguments.per_device_train_batch_size = 1 if long_inputs else 4
    return arguments


def train(base="openlm-research/open_llama_7b", out="open-llama-lora"):
    tokenizer = AutoTokenizer.from_pretrained(base)
    llm = AutoModelForCausalLM.from_pretrained(base)
    llm = get_peft_model(llm, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
    llm.enable_input_require_grads()
    rows = load_dataset("json", data_files="rows.json")["train"]
    Trainer(model=llm, args=arguments(out, True), train_dataset=rows, tokenizer=tokenizer).train()
    llm.save_pretrained(out)


train()
