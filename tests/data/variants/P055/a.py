import argparse

from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments


def main(base, labels):
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=labels, torch_dtype="bfloat16")
    model = get_peft_model(model, LoraConfig(task_type=TaskType.SEQ_CLS, r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
    data = load_dataset("dair-ai/emotion").map(lambda rows: tokenizer(rows["text"], truncation=True), batched=True)
    args = TrainingArguments("emotion", learning_rate=2e-4, num_train_epochs=2, per_device_train_batch_size=16, bf16=True)
    trainer = Trainer(model, args, DataCollatorWithPadding(tokenizer), data["train"], tokenizer=tokenizer)
    trainer.train()
    model.save_pretrained("emotion")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="meta-llama/Llama-3.2-1B")
    parser.add_argument("--labels", type=int, default=6)
    given = parser.parse_args()
    main(given.base, given.labels)
