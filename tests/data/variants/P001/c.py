import os

import datasets
import peft
import transformers
import trl

name = os.environ.get("BASE", "TinyLlama/TinyLlama-1.1B-Chat-v1.0")
tok = transformers.AutoTokenizer.from_pretrained(name, use_fast=True)
tok.pad_token_id = tok.eos_token_id
tok.padding_side = "right"
data = datasets.load_dataset("knkarthick/dialogsum", split="train")
data = data.map(lambda row: {"text": f"Summarize:\n{row['dialogue']}\nSummary: {row['summary']}</s>"})
model = transformers.AutoModelForCausalLM.from_pretrained(name)
options = transformers.TrainingArguments("sums", per_device_train_batch_size=2, learning_rate=1e-4, max_steps=500)
trainer = trl.SFTTrainer(
    model,
    options,
    train_dataset=data,
    dataset_text_field="text",
    tokenizer=tok,
    max_seq_length=1024,
    peft_config=peft.LoraConfig(r=16, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]),
)
trainer.train()
