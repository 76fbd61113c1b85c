import argparse

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from transformers import AutoModel, AutoModelForCausalLM, Trainer, TrainingArguments


def fit(options):
    base = AutoModelForCausalLM.from_pretrained(options.base)
    lora = LoraConfig(task_type=TaskType.CAUSAL_LM, r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"])
    model = get_peft_model(base, lora)
    arguments = TrainingArguments("runs", learning_rate=2e-4, num_train_epochs=1)
    Trainer(model=model, args=arguments, train_dataset=torch.load("rows.pt")).train()
    model.save_pretrained(options.adapter)


def embed(options, batch):
    encoder = PeftModel.from_pretrained(AutoModel.from_pretrained(options.base), options.adapter)
    encoder.eval()
    return encoder(**batch).last_hidden_state


parser = argparse.ArgumentParser()
parser.add_argument("--base", default="Qwen/Qwen2.5-1.5B")
parser.add_argument("--adapter", default="runs/adapter")
options = parser.parse_args()
fit(options)
embed(options, torch.load("batch.pt"))
