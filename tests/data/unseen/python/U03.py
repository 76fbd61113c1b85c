from datasets import load_dataset
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer

dataset = load_dataset("trl-lib/tldr", split="train")


def has_digit(completions, **kwargs):
    score = sum(any(c.isdigit() for c in text) for text in completions) / len(completions)
    return [score]


args = GRPOConfig(output_dir="grpo-out", per_device_train_batch_size=6, num_generations=3, max_completion_length=64,
                  learning_rate=1e-5, bf16=True, report_to="none")
trainer = GRPOTrainer(
    model="Qwen/Qwen2.5-0.5B-Instruct",
    reward_funcs=has_digit,
    args=args,
    train_dataset=dataset,
    peft_config=LoraConfig(r=16, lora_alpha=32, task_type="CAUSAL_LM"),
)
trainer.train()
