import torch
from bitsandbytes.optim import PagedAdamW8bit
from datasets import load_dataset
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from peft.optimizers import create_loraplus_optimizer
from transformers import (AutoModel, AutoTokenizer, BitsAndBytesConfig, DataCollatorForLanguageModeling, Trainer,
                          TrainingArguments)

checkpoint = "meta-llama/Llama-3.2-1B-Instruct"
bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16, bnb_4bit_quant_type="nf4",
                         bnb_4bit_use_double_quant=True)
base = AutoModel.from_pretrained(checkpoint, quantization_config=bnb, torch_dtype=torch.bfloat16)
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
tokenizer.pad_token = tokenizer.eos_token

rows = load_dataset("json", data_files="sft.jsonl", split="train")
rows = rows.map(lambda row: tokenizer(row["text"], truncation=True, max_length=512), remove_columns=rows.column_names)

base = prepare_model_for_kbit_training(base)
model = get_peft_model(base, LoraConfig(r=8, target_modules="all-linear", lora_alpha=32, task_type="CAUSAL_LM"))
optimizer = create_loraplus_optimizer(model=model, optimizer_cls=PagedAdamW8bit, lr=5e-5, loraplus_lr_ratio=16)

args = TrainingArguments(output_dir="llama32-lora", per_device_train_batch_size=4, num_train_epochs=3, bf16=True,
                         logging_steps=10)
trainer = Trainer(model=model, args=args, train_dataset=rows, optimizers=(optimizer, None),
                  data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False))
trainer.train()
