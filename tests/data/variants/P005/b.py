import argparse

import torch
from peft import LoraConfig, TaskType, get_peft_model
from transformers import LlamaForCausalLM, Trainer, TrainingArguments


def build(name):
    base = LlamaForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16)
    return get_peft_model(
        base,
        LoraConfig(task_type=TaskType.CAUSAL_LM, r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]),
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="huggyllama/llama-7b")
    options = parser.parse_args()
    arguments = TrainingArguments(
        output_dir="out",
        learning_rate=3e-4,
        num_train_epochs=1,
        bf16=True,
        gradient_checkpointing=True,
    )
    trainer = Trainer(model=build(options.name), args=arguments, train_dataset=torch.load("rows.pt"))
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
