import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification

lora = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"], task_type="SEQ_CLS")
model = get_peft_model(AutoModelForSequenceClassification.from_pretrained("roberta-base"), lora, adapter_name="en")
model.add_adapter("de", lora)
optimizers = {}
for language in ("en", "de"):
    model.set_adapter(language)
    optimizers[language] = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-4)

for language, batch in torch.load("batches.pt"):
    model.set_adapter(language)
    model(**batch).loss.backward()
    optimizers[language].step()
    optimizers[language].zero_grad()
model.save_pretrained("languages")
