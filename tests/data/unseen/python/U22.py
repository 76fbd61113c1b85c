import re

from datasets import load_dataset
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer

train_dataset = load_dataset("openai/gsm8k", "main", split="train")
train_dataset = train_dataset.map(lambda x: {"prompt": [{"role": "user", "content": x["question"]}]},
                                  remove_columns=["question", "answer"])


def boxed_reward(prompts, completions):
    texts = [completion[0]["content"] for completion in completions]
    return [1.0 if re.search(r"\\boxed\{.+\}", text) else 0.0 for text in texts]


training_args = GRPOConfig(output_dir="grpo-boxed", learning_rate=1e-6, per_device_train_batch_size=8,
                           num_generations=8, max_completion_length=512, bf16=True, logging_steps=1)
trainer = GRPOTrainer(
    model="Qwen/Qwen2.5-1.5B-Instruct",
    reward_funcs=[boxed_reward],
    args=training_args,
    train_dataset=train_dataset,
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
)
trainer.train()
