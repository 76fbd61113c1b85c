import argparse

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


def adapted(options):
    model = AutoModelForCausalLM.from_pretrained(options.base)
    config = LoraConfig(task_type=TaskType.CAUSAL_LM, r=options.r, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    if options.checkpoint:
        model = PeftModel.from_pretrained(model, options.checkpoint, is_trainable=True)
    return model


parser = argparse.ArgumentParser()
parser.add_argument("--base", default="Qwen/Qwen2.5-0.5B")
parser.add_argument("--r", type=int, default=16)
parser.add_argument("--checkpoint", default=None)
options = parser.parse_args()
arguments = TrainingArguments("out", learning_rate=2e-4, bf16=True)
Trainer(model=adapted(options), args=arguments, train_dataset=torch.load("rows.pt")).train()
