"""QLoRA with TRL: settings at the top, as in most scripts."""

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

MODEL = "mistralai/Mistral-7B-v0.1"
RANK = 16

model = AutoModelForCausalLM.from_pretrained(
    MODEL,
    dtype=torch.bfloat16,
    quantization_config=BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    ),
)
lora = LoraConfig(
    r=RANK,
    lora_alpha=2 * RANK,
    target_modules="all-linear",
    task_type="CAUSAL_LM",
)
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir="out", learning_rate=2e-4, num_train_epochs=1, bf16=True),
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
    peft_config=lora,
)
trainer.train()
