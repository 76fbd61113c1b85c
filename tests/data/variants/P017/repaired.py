from peft import LoraConfig, get_peft_model
from transformers import AutoModelForTokenClassification, Trainer, TrainingArguments
import torch

targets = ["query", "key", "value"]
targets.extend(["dense"])
lora = LoraConfig(task_type="TOKEN_CLS", r=8, lora_alpha=16, target_modules=targets)
model = AutoModelForTokenClassification.from_pretrained("bert-base-cased", num_labels=9)
model = get_peft_model(model, lora)
Trainer(model=model, args=TrainingArguments(output_dir="ner", learning_rate=5e-4), train_dataset=torch.load("ner.pt")).train()
model.save_pretrained("ner/adapter")
