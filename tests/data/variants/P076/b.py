from dataclasses import dataclass

from datasets import load_dataset
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer


def arguments(out, find_batch=True):
    return GRPOConfig(out, auto_find_batch_size=find_batch, learning_rate=1e-5, bf16=True)


class Task:
    def reward(self, completions, **kwargs):
        return [float("yes" in text) for text in completions]


task = Task()
trainer = GRPOTrainer(
    "HuggingFaceTB/SmolLM2-360M-Instruct",
    task.reward,
    args=arguments("runs/yes"),
    train_dataset=load_dataset("trl-lib/tldr", split="train"),
    peft_config=LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
)
trainer.train()
