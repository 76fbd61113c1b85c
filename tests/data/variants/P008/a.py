import os

from datasets import load_dataset
from peft import LoraConfig, TaskType
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer
from transformers import TrainingArguments


def make_model(name):
    classifier = AutoModelForSequenceClassification.from_pretrained(name, num_labels=3)
    config = LoraConfig(task_type=TaskType.SEQ_CLS, r=8, lora_alpha=16, target_modules=["query"])
    classifier.add_adapter(config, adapter_name="nli")
    return classifier


def main(name="FacebookAI/roberta-base", out="nli"):
    tokenizer = AutoTokenizer.from_pretrained(name)
    rows = load_dataset("stanfordnlp/snli", split="train")
    rows = rows.map(lambda row: tokenizer(row["premise"], row["hypothesis"], truncation=True))
    trainer = Trainer(
        make_model(name),
        TrainingArguments(out, learning_rate=1e-4, num_train_epochs=3, save_steps=500),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    checkpoint = os.path.join(out, "checkpoint-500")
    trainer.train(resume_from_checkpoint=checkpoint)
    trainer.save_model()


main()
