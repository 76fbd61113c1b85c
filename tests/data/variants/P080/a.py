"""Fine-tune a classifier with AdaLoRA."""

import argparse

from datasets import load_dataset
from peft import AdaLoraConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)


class Finetuner:
    def __init__(self, args):
        self.args = args
        self.tokenizer = AutoTokenizer.from_pretrained(args.model)
        base = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=2)
        self.model = get_peft_model(base, self.adapter())

    def adapter(self):
        return AdaLoraConfig(
            task_type=TaskType.SEQ_CLS,
            target_r=self.args.rank,
            init_r=self.args.rank + 4,
            tinit=100,
            tfinal=500,
            total_step=3000,
            lora_alpha=16,
            target_modules=["query", "key", "value"],
        )

    def fit(self):
        data = load_dataset("glue", "sst2").map(
            lambda row: self.tokenizer(row["sentence"], truncation=True), batched=True
        )
        trainer = Trainer(
            model=self.model,
            args=TrainingArguments(self.args.out, learning_rate=5e-4, max_steps=3000),
            train_dataset=data["train"],
            data_collator=DataCollatorWithPadding(self.tokenizer),
        )
        trainer.train()
        self.model.save_pretrained(self.args.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="FacebookAI/roberta-base")
    parser.add_argument("--out", default="runs/adalora")
    parser.add_argument("--rank", type=int, default=8)
    Finetuner(parser.parse_args()).fit()
