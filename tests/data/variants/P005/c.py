import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSeq2SeqLM, DataCollatorForSeq2Seq, AutoTokenizer, Seq2SeqTrainer, Seq2SeqTrainingArguments

tokenizer = AutoTokenizer.from_pretrained("google/mt5-base")
base = AutoModelForSeq2SeqLM.from_pretrained("google/mt5-base")
wrapped = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=["q", "k", "v", "o"], task_type="SEQ_2_SEQ_LM"))
options = dict(output_dir="mt5", learning_rate=1e-3, num_train_epochs=2, gradient_checkpointing=True)
rows = load_dataset("csv", data_files="pairs.csv", split="train").map(lambda row: tokenizer(row["source"], text_target=row["target"]))
Seq2SeqTrainer(
    model=wrapped,
    args=Seq2SeqTrainingArguments(**options),
    train_dataset=rows,
    data_collator=DataCollatorForSeq2Seq(tokenizer, model=wrapped),
).train()
wrapped.save_pretrained("mt5/adapter")
