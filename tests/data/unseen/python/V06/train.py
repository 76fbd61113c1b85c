import torch
from accelerate import Accelerator
from datasets import load_from_disk
from peft import LoraConfig, TaskType, get_peft_model
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, default_data_collator, get_linear_schedule_with_warmup

accelerator = Accelerator()
model_name_or_path = "bigscience/mt0-xxl"
peft_config = LoraConfig(task_type=TaskType.SEQ_2_SEQ_LM, inference_mode=False, r=8, lora_alpha=32, lora_dropout=0.1)
tokenizer = AutoTokenizer.from_pretrained(model_name_or_path)
data = load_from_disk("twitter_complaints")
train_dataloader = DataLoader(data["train"], shuffle=True, collate_fn=default_data_collator, batch_size=8)
model = AutoModelForSeq2SeqLM.from_pretrained(model_name_or_path)
model.gradient_checkpointing_enable()
model = get_peft_model(model, peft_config)
model.print_trainable_parameters()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
lr_scheduler = get_linear_schedule_with_warmup(optimizer, 0, len(train_dataloader) * 5)
model, train_dataloader, optimizer, lr_scheduler = accelerator.prepare(
    model, train_dataloader, optimizer, lr_scheduler)
for epoch in range(5):
    model.train()
    total_loss = 0
    for step, batch in enumerate(tqdm(train_dataloader)):
        outputs = model(**batch, use_cache=False)
        loss = outputs.loss
        total_loss += loss.detach().float()
        accelerator.backward(loss)
        optimizer.step()
        lr_scheduler.step()
        optimizer.zero_grad()
    accelerator.print(epoch, total_loss / len(train_dataloader))
