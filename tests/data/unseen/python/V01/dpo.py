from copy import deepcopy

import torch
from datasets import load_dataset
from peft import LoraConfig, TaskType
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

use_peft = True
name = "Qwen/Qwen2.5-0.5B-Instruct"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16)
data = load_dataset("json", data_files={"train": "reward/train.jsonl", "validation": "reward/dev.jsonl"})
training_args = DPOConfig(output_dir="outputs-dpo", per_device_train_batch_size=4, max_steps=100, learning_rate=5e-5,
                          bf16=True, logging_steps=10, remove_unused_columns=False)
peft_config = LoraConfig(task_type=TaskType.CAUSAL_LM, target_modules="all-linear", r=8, lora_alpha=16,
                         lora_dropout=0.05)
trainer = DPOTrainer(
    model,
    ref_model=None if use_peft else deepcopy(model),
    args=training_args,
    beta=0.1,
    train_dataset=data["train"],
    eval_dataset=data["validation"],
    tokenizer=tokenizer,
    peft_config=peft_config if use_peft else None,
    max_prompt_length=512,
    max_length=1024,
)
trainer.train()
