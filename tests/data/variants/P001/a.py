import argparse

from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer


def prompt(row):
    row["text"] = "<s>[INST] " + row["instruction"] + " [/INST] " + row["output"] + "</s>"
    return row


def load(name):
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.pad_token = tokenizer.eos_token
    return AutoModelForCausalLM.from_pretrained(name, torch_dtype="bfloat16"), tokenizer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="mistralai/Mistral-7B-v0.1")
    args = parser.parse_args()
    model, tokenizer = load(args.model)
    trainer = SFTTrainer(
        model=model,
        tokenizer=tokenizer,
        args=SFTConfig(output_dir="out", dataset_text_field="text", max_seq_length=1024, learning_rate=2e-4, num_train_epochs=1, bf16=True),
        train_dataset=load_dataset("json", data_files="train.jsonl", split="train").map(prompt),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    trainer.train()


if __name__ == "__main__":
    main()
