import torch
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader, Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer


class Traces(Dataset):
    def __init__(self, rows, tokenizer, max_length):
        self.rows, self.tokenizer, self.max_length = rows, tokenizer, max_length

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        enc = self.tokenizer(self.rows[i], truncation=True, max_length=self.max_length, padding="max_length",
                             return_tensors="pt")
        return {"input_ids": enc["input_ids"][0], "attention_mask": enc["attention_mask"][0]}


class LoraTrainer:
    def __init__(self, name="Qwen/Qwen3-0.6B"):
        self.tokenizer = AutoTokenizer.from_pretrained(name)
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16)
        self.model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05,
                                                      target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))

    def train(self, rows):
        loader = DataLoader(Traces(rows, self.tokenizer, 2048), batch_size=4, shuffle=True)
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-4)
        self.model.train()
        for _ in range(3):
            for batch in loader:
                input_ids, attention_mask = batch["input_ids"], batch["attention_mask"]
                labels = input_ids.masked_fill(attention_mask == 0, -100)
                outputs = self.model(input_ids=input_ids, attention_mask=attention_mask, labels=labels)
                outputs.loss.backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
        self.model.save_pretrained("adapter")
