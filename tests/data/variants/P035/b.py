import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification

lora = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"], task_type="SEQ_CLS")
model = get_peft_model(AutoModelForSequenceClassification.from_pretrained("roberta-base"), lora, adapter_name="en")
model.add_adapter("de", lora)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-4)


def step(language, batch):
    model.set_adapter(language)
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


for language, batch in torch.load("batches.pt"):
    print(language, step(language, batch))
model.save_pretrained("languages")
