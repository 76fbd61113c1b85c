from dataclasses import dataclass

from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer


@dataclass
class Settings:
    assistant_only: bool = True
    field: str = "text"


settings = Settings()
args = SFTConfig("out", dataset_text_field=settings.field, assistant_only_loss=settings.assistant_only, learning_rate=2e-4)
trainer = SFTTrainer(
    "Qwen/Qwen2.5-1.5B-Instruct",
    args,
    train_dataset=load_dataset("text", data_files="book.txt", split="train"),
    peft_config=LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"),
)
trainer.train()
