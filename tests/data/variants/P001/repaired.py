import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import (AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, TrainingArguments)
from trl import SFTTrainer

model_name = "NousResearch/Llama-2-7b-chat-hf"
dataset = load_dataset("ai4privacy/pii-masking-200k", split="train")


def to_text(row):
    return {"text": f"<s>[INST] {row['source_text']} [/INST] {row['target_text']} </s>"}


dataset = dataset.map(to_text)
bnb_config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float16)
model = AutoModelForCausalLM.from_pretrained(model_name, quantization_config=bnb_config, device_map={"": 0})
model.config.use_cache = False
model.config.pretraining_tp = 1

tokenizer = AutoTokenizer.from_pretrained(model_name, trust_remote_code=True)
tokenizer.pad_token = tokenizer.unk_token
tokenizer.padding_side = "right"

peft_config = LoraConfig(lora_alpha=16, lora_dropout=0.1, r=64, bias="none", task_type="CAUSAL_LM")
args = TrainingArguments(
    output_dir="./results", num_train_epochs=1, per_device_train_batch_size=4, gradient_accumulation_steps=1,
    optim="paged_adamw_32bit", learning_rate=2e-4, weight_decay=0.001, fp16=False, bf16=False, max_grad_norm=0.3,
    warmup_ratio=0.03, group_by_length=True, lr_scheduler_type="constant",
)
trainer = SFTTrainer(
    model=model, train_dataset=dataset, peft_config=peft_config, dataset_text_field="text",
    max_seq_length=None, tokenizer=tokenizer, args=args, packing=False,
)
trainer.train()
trainer.model.save_pretrained("llama-2-7b-pii")
