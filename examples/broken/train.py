"""Slips that cost a night each."""
# lora-lint: gpu=RTX 3060

import argparse

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

parser = argparse.ArgumentParser()
parser.add_argument("--lora_r", type=int, default=128)
args = parser.parse_args()

model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", dtype=torch.bfloat16)
lora = LoraConfig(
    r=args.lora_r,
    alpha=32,
    target_modules=["all-linear"],
    task_type="CASUAL_LM",
)
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir="out", learning_rate=2e-4, bf16=True, fp16=True),
    train_dataset=load_dataset("json", data_files="../data/support_tickets.jsonl", split="train"),
    peft_config=lora,
)
trainer.train()
