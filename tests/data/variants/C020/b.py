import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


def load(name):
    return AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, attn_implementation="flash_attention_2")


model = get_peft_model(load("Qwen/Qwen2.5-0.5B"), LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"))
Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4, fp16=True), train_dataset=torch.load("rows.pt")).train()
