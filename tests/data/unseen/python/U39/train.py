import torch
from accelerate import Accelerator
from datasets import load_dataset
from peft import LoraConfig
from torch.utils.data import DataLoader
from transformers import AutoProcessor, BitsAndBytesConfig, Idefics2ForConditionalGeneration, get_scheduler

USE_LORA = True
USE_QLORA = False
accelerator = Accelerator(mixed_precision="fp16", gradient_accumulation_steps=4)
processor = AutoProcessor.from_pretrained("HuggingFaceM4/idefics2-8b", do_image_splitting=False)

if USE_QLORA or USE_LORA:
    lora_config = LoraConfig(
        r=8, lora_alpha=8, lora_dropout=0.1, use_dora=False if USE_QLORA else True, init_lora_weights="gaussian",
        target_modules=".*(text_model|modality_projection|perceiver_resampler).*(down_proj|gate_proj|up_proj|k_proj|q_proj|v_proj|o_proj).*$")
    bnb_config = None
    if USE_QLORA:
        bnb_config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4",
                                        bnb_4bit_compute_dtype=torch.float16)
    model = Idefics2ForConditionalGeneration.from_pretrained("HuggingFaceM4/idefics2-8b", torch_dtype=torch.float16,
                                                             quantization_config=bnb_config)
    model.add_adapter(lora_config)
    model.enable_adapters()


def collate(rows):
    texts = [processor.apply_chat_template(row["messages"]) for row in rows]
    batch = processor(text=texts, images=[[row["image"]] for row in rows], return_tensors="pt", padding=True)
    labels = batch["input_ids"].clone()
    labels[labels == processor.tokenizer.pad_token_id] = -100
    labels[labels == model.config.image_token_id] = -100
    batch["labels"] = labels
    return batch


loader = DataLoader(load_dataset("json", data_files="docvqa.jsonl", split="train"), batch_size=2, collate_fn=collate,
                    shuffle=True)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
lr_scheduler = get_scheduler("linear", optimizer, num_warmup_steps=50, num_training_steps=len(loader) * 2)
model, optimizer, loader, lr_scheduler = accelerator.prepare(model, optimizer, loader, lr_scheduler)
model.train()
for epoch in range(2):
    for batch in loader:
        with accelerator.accumulate(model):
            loss = model(**batch).loss
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            lr_scheduler.step()
            optimizer.zero_grad()
accelerator.unwrap_model(model).save_pretrained("idefics2-docvqa")
