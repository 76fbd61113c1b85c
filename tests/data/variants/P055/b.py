import torch
import transformers
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader

NAME = "Qwen/Qwen2.5-0.5B"
tokenizer = transformers.AutoTokenizer.from_pretrained(NAME)
model = transformers.Qwen2ForSequenceClassification.from_pretrained(NAME, num_labels=3)
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="SEQ_CLS"))
model = model.to("cuda")


def collate(rows):
    batch = tokenizer([row["text"] for row in rows], padding=True, truncation=True, return_tensors="pt")
    batch["labels"] = torch.tensor([row["label"] for row in rows])
    return batch


loader = DataLoader(torch.load("rows.pt"), batch_size=32, shuffle=True, collate_fn=collate)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
model.train()
for batch in loader:
    loss = model(**batch.to("cuda")).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("stance")
