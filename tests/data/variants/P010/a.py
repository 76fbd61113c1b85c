"""Answer questions with a trained adapter."""

import argparse

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(base, adapter):
    tokenizer = AutoTokenizer.from_pretrained(adapter, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16, device_map="auto")
    model = PeftModel.from_pretrained(model, adapter)
    if len(tokenizer) != model.config.vocab_size:
        model.resize_token_embeddings(new_num_tokens=len(tokenizer))
    return tokenizer, model.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="mistralai/Mistral-7B-v0.3")
    parser.add_argument("--adapter", required=True)
    args = parser.parse_args()
    tokenizer, model = load(args.base, args.adapter)
    while question := input("> "):
        batch = tokenizer(question, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            print(tokenizer.decode(model.generate(**batch, max_new_tokens=128)[0]))


if __name__ == "__main__":
    main()
