import argparse

from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import GRPOConfig, GRPOTrainer


def main(options):
    model = AutoModelForCausalLM.from_pretrained(options.base, dtype="bfloat16")
    sizes = {"num_generations": options.group, "auto_find_batch_size": True}
    args = GRPOConfig(output_dir="out", learning_rate=1e-5, bf16=True, **sizes)
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[lambda completions, **_: [float(text.isupper()) for text in completions]],
        args=args,
        train_dataset=load_dataset("trl-lib/tldr", split="train"),
        peft_config=LoraConfig(r=32, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    trainer.train()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="Qwen/Qwen2.5-3B-Instruct")
    parser.add_argument("--group", type=int, default=8)
    main(parser.parse_args())
