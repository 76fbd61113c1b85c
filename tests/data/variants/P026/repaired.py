import argparse

from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)


def accuracy(prediction):
    best, labels = prediction
    hits = best[:, :-1] == labels[:, 1:]
    return {"accuracy": float(hits[labels[:, 1:] != -100].mean())}


def best(logits, labels):
    return (logits[0] if isinstance(logits, tuple) else logits).argmax(-1)


def build(name, rank):
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name, dtype="bfloat16")
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM, r=rank, lora_alpha=2 * rank, target_modules="all-linear"
    )
    return get_peft_model(model, config), tokenizer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="Qwen/Qwen2.5-1.5B")
    parser.add_argument("--rank", type=int, default=16)
    args = parser.parse_args()
    model, tokenizer = build(args.model, args.rank)
    rows = load_dataset("json", data_files={"train": "train.jsonl", "test": "test.jsonl"})
    rows = rows.map(lambda row: tokenizer(row["text"], truncation=True, max_length=1024))
    settings = TrainingArguments(
        output_dir="out",
        learning_rate=2e-4,
        num_train_epochs=1,
        bf16=True,
        per_device_train_batch_size=8,
        eval_strategy="steps",
        eval_steps=200,
    )
    trainer = Trainer(
        model,
        settings,
        DataCollatorForLanguageModeling(tokenizer, mlm=False),
        rows["train"],
        rows["test"],
        compute_metrics=accuracy,
        preprocess_logits_for_metrics=best,
    )
    trainer.train()
    trainer.save_model("adapter")


if __name__ == "__main__":
    main()
