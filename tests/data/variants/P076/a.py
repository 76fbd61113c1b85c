from datasets import load_dataset
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer

options = {
    "output_dir": "grpo",
    "learning_rate": 1e-5,
    "num_generations": 8,
    "auto_find_batch_size": True,
}


def short(completions, **kwargs):
    return [-float(len(text)) for text in completions]


GRPOTrainer(
    model="Qwen/Qwen2.5-0.5B-Instruct",
    reward_funcs=short,
    args=GRPOConfig(**options),
    train_dataset=load_dataset("trl-lib/tldr", split="train"),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
).train()
