import os

from datasets import Dataset
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments
from unsloth import FastLanguageModel, is_bfloat16_supported

ROWS = [{"text": open(name).read()} for name in os.listdir("texts")]
model, tokenizer = FastLanguageModel.from_pretrained(
    "Qwen/Qwen3-8B", max_seq_length=2048, load_in_4bit=False, load_in_8bit=True
)
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.unk_token
data = Dataset.from_list(ROWS).map(lambda row: tokenizer(row["text"], truncation=True))
arguments = TrainingArguments(
    "out",
    num_train_epochs=2,
    learning_rate=2e-4,
    bf16=is_bfloat16_supported(),
    per_device_train_batch_size=2,
)
Trainer(
    model,
    arguments,
    train_dataset=data,
    data_collator=DataCollatorForSeq2Seq(tokenizer),
).train()
