from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

args = SFTConfig(
    output_dir="gemma-lora",
    max_length=1024,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=8,
    learning_rate=2e-4,
    num_train_epochs=1,
    fp16=True,
)
trainer = SFTTrainer(
    model="google/gemma-3-1b-it",
    args=args,
    train_dataset=load_dataset("my-company/notes", split="train"),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"),
)
trainer.train()
