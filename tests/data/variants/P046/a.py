"""Merge a trained adapter into its base."""

import argparse

from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--adapter", default="out/adapter")
    parser.add_argument("--out", default="out/merged")
    args = parser.parse_args()
    model = AutoPeftModelForCausalLM.from_pretrained(args.adapter, device_map="auto")
    model.merge_and_unload(progressbar=True)
    model.save_pretrained(args.out, safe_serialization=True)
    AutoTokenizer.from_pretrained(args.adapter).save_pretrained(args.out)


if __name__ == "__main__":
    main()
