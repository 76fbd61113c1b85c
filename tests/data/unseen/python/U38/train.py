import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import (AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer,
                          TrainingArguments)

model_id = "TheBloke/Mistral-7B-v0.1-AWQ"
tokenizer = AutoTokenizer.from_pretrained(model_id)
tokenizer.pad_token = tokenizer.unk_token
model = AutoModelForCausalLM.from_pretrained(model_id, torch_dtype=torch.float16, device_map="cuda:0")
config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, bias="none", task_type="CAUSAL_LM",
                    target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
model = get_peft_model(model, config)

data = load_dataset("Abirate/english_quotes", split="train")
data = data.map(lambda row: tokenizer(row["quote"]), remove_columns=data.column_names)
trainer = Trainer(model=model, train_dataset=data,
                  args=TrainingArguments(output_dir="awq-lora", per_device_train_batch_size=4, max_steps=200,
                                         learning_rate=2e-4, fp16=True, logging_steps=5),
                  data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False))
trainer.train()
