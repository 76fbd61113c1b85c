import random

import torch
import transformers
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM, LlamaTokenizer


class TrainSAD:
    """Alpaca records, tokenized for training."""

    def __init__(self, path, tokenizer, cutoff_len):
        self.path = path
        self.tokenizer = tokenizer
        self.cutoff_len = cutoff_len

    def generate_prompt(self, row):
        if row["input"]:
            return (f"Below is an instruction that describes a task, paired with an input.\n\n"
                    f"### Instruction:\n{row['instruction']}\n\n### Input:\n{row['input']}\n\n"
                    f"### Response:\n{row['output']}")
        return (f"Below is an instruction that describes a task.\n\n"
                f"### Instruction:\n{row['instruction']}\n\n### Response:\n{row['output']}")

    def tokenize(self, prompt):
        result = self.tokenizer(prompt, truncation=True, max_length=self.cutoff_len, padding=False)
        return {"input_ids": result["input_ids"], "attention_mask": result["attention_mask"],
                "labels": list(result["input_ids"])}

    def prepare(self, seed=42):
        random.seed(seed)
        data = load_dataset("json", data_files=self.path)
        return data["train"].shuffle(seed=seed).map(lambda row: self.tokenize(self.generate_prompt(row)),
                                                    remove_columns=data["train"].column_names)


tokenizer = LlamaTokenizer.from_pretrained("huggyllama/llama-13b")
tokenizer.pad_token_id = 0
model = LlamaForCausalLM.from_pretrained("huggyllama/llama-13b", torch_dtype=torch.bfloat16, device_map="auto")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], lora_dropout=0.05,
                                         bias="none", task_type="CAUSAL_LM"))
train_data = TrainSAD("alpaca_data_cleaned.json", tokenizer, 256).prepare()
trainer = transformers.Trainer(
    model=model, train_dataset=train_data,
    args=transformers.TrainingArguments(output_dir="alpaca_lora", per_device_train_batch_size=8,
                                        gradient_accumulation_steps=4, warmup_steps=50, num_train_epochs=3,
                                        learning_rate=2e-4, bf16=True, logging_steps=10, save_steps=200),
    data_collator=transformers.DataCollatorForSeq2Seq(tokenizer, padding=True, label_pad_token_id=-100))
trainer.train()
model.save_pretrained("alpaca_lora")
