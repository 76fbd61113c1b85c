from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

SFTTrainer(
    model="Qwen/Qwen2.5-0.5B",
    args=SFTConfig(
        output_dir="out",
        learning_rate=2e-4,
        max_length=1024,
        assistant_only_loss=True,
        dataset_text_field="content",
    ),
    train_dataset=load_dataset("json", data_files="texts.jsonl", split="train"),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
).train()
