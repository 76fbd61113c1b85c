import torch
from accelerate import Accelerator
from datasets import load_from_disk
from peft import LoraConfig, TaskType, get_peft_model
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, get_cosine_schedule_with_warmup

name = "Qwen/Qwen2.5-0.5B"
tokenizer = AutoTokenizer.from_pretrained(name)


def collate(rows):
    texts = [row["story"] + tokenizer.eos_token for row in rows]
    out = tokenizer(texts, padding="max_length", truncation=True, max_length=768, return_tensors="pt")
    out["labels"] = out["input_ids"].clone()
    return out


accelerator = Accelerator(mixed_precision="bf16")
model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16)
model = get_peft_model(model, LoraConfig(task_type=TaskType.CAUSAL_LM, r=16, lora_alpha=16, target_modules="all-linear"))
loader = DataLoader(load_from_disk("stories"), batch_size=16, shuffle=True, collate_fn=collate)
optimizer = AdamW(model.parameters(), lr=2e-4)
schedule = get_cosine_schedule_with_warmup(optimizer, 20, len(loader))
model, optimizer, loader, schedule = accelerator.prepare(model, optimizer, loader, schedule)
model.train()
for batch in loader:
    batch = {key: value.to(accelerator.device) for key, value in batch.items()}
    loss = model(**batch).loss
    accelerator.backward(loss)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
accelerator.unwrap_model(model).save_pretrained("stories-lora")
