import torch
from accelerate import Accelerator
from peft import AdaLoraConfig, get_peft_model
from torch.utils.data import DataLoader
from transformers import T5ForConditionalGeneration, get_linear_schedule_with_warmup

EPOCHS = 5
SETTINGS = dict(
    init_r=12, target_r=4, tinit=50, tfinal=200, deltaT=5, lora_alpha=32, lora_dropout=0.05
)


def build(total):
    config = AdaLoraConfig(
        **SETTINGS, total_step=total, target_modules=["q", "v"], task_type="SEQ_2_SEQ_LM"
    )
    return get_peft_model(T5ForConditionalGeneration.from_pretrained("google-t5/t5-base"), config)


def run_epoch(model, loader, optimizer, scheduler, accelerator):
    model.train()
    for batch in loader:
        loss = model(**batch).loss
        accelerator.backward(loss)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()


accelerator = Accelerator()
loader = DataLoader(torch.load("rows.pt"), batch_size=8, shuffle=True)
model = build(EPOCHS * len(loader))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = get_linear_schedule_with_warmup(optimizer, 50, EPOCHS * len(loader))
model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
for epoch in range(EPOCHS):
    run_epoch(model, loader, optimizer, scheduler, accelerator)
accelerator.unwrap_model(model).save_pretrained("t5-adalora")
