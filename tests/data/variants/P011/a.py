"""Teach a model to call tools, then merge what it learned."""

import argparse

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import AddedToken
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

TOOLS = ("search", "python", "weather")


def tokens(names):
    return [AddedToken(f"<{name}>", special=True, normalized=False) for name in names]


def train(args, tokenizer):
    model = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.bfloat16)
    if tokenizer.add_tokens(tokens(TOOLS)) > 0:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        modules_to_save=["embed_tokens", "lm_head"],
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(model, lora)
    settings = TrainingArguments(args.out, learning_rate=1e-4, num_train_epochs=2, bf16=True)
    trainer = Trainer(model=model, args=settings, train_dataset=torch.load(args.data))
    trainer.train()
    model.save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)


def merge(args):
    base = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.bfloat16)
    merged = PeftModel.from_pretrained(base, args.out).merge_and_unload()
    merged.save_pretrained(args.out + "-merged")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="Qwen/Qwen2.5-7B")
    parser.add_argument("--data", default="calls.pt")
    parser.add_argument("--out", default="tools")
    args = parser.parse_args()
    train(args, AutoTokenizer.from_pretrained(args.base))
    merge(args)


main()
