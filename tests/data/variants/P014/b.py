from datasets import load_dataset
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM
from trl import GRPOConfig, GRPOTrainer


def policy(base, adapter):
    model = AutoModelForCausalLM.from_pretrained(base, dtype="bfloat16")
    return PeftModel.from_pretrained(model, adapter, is_trainable=True)


def length(completions, **kwargs):
    return [-float(len(text)) for text in completions]


def main():
    trainer = GRPOTrainer(
        model=policy("Qwen/Qwen2.5-1.5B-Instruct", "runs/sft"),
        reward_funcs=length,
        args=GRPOConfig(output_dir="runs/grpo", learning_rate=1e-5, bf16=True),
        train_dataset=load_dataset("trl-lib/tldr", split="train"),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    trainer.train()


main()
