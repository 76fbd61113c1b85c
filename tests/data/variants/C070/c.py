import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.3", dtype=torch.bfloat16)
args = SFTConfig(
    "out",
    per_device_train_batch_size=4,
    max_length=16384,
    learning_rate=2e-4,
    bf16=True,
    gradient_checkpointing=False,
)
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
SFTTrainer(model, args=args, train_dataset=load_dataset("json", data_files="x.json", split="train"), peft_config=lora).train()
