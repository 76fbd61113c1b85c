import argparse

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--resume_adapter", default="")
parser.add_argument("--base", default="Qwen/Qwen2.5-1.5B")
args = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.bfloat16)
if args.resume_adapter:
    model = PeftModel.from_pretrained(model, args.resume_adapter)
else:
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
Trainer(
    model=model,
    args=TrainingArguments(output_dir="out", learning_rate=2e-4, bf16=True),
    train_dataset=torch.load("rows.pt"),
).train()
model.save_pretrained("out/adapter")
