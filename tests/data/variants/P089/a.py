from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
from datasets import load_dataset

SFTTrainer(
    "Qwen/Qwen2.5-1.5B",
    args=SFTConfig(output_dir="out", learning_rate=2e-4, max_length=1024),
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
    peft_config=LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "lm_head"],
        task_type="CAUSAL_LM",
    ),
).train()
