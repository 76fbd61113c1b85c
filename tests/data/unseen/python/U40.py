import ast
import os

import numpy as np
import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import (AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq, Seq2SeqTrainer,
                          Seq2SeqTrainingArguments)

device = "cuda:0" if torch.cuda.is_available() else "cpu"
model_name = "t5-small"
tokenizer = AutoTokenizer.from_pretrained(model_name)


def preprocess_function(data, tokenizer):
    inputs = [f"Paraphrase this sentence: {doc}" for doc in data["text"]]
    model_inputs = tokenizer(inputs, max_length=150, truncation=True)
    targets = [ast.literal_eval(i)[0] for i in data["paraphrases"]]
    model_inputs["labels"] = tokenizer(text_target=targets, max_length=150, truncation=True)["input_ids"]
    return model_inputs


raw = load_dataset("humarin/chatgpt-paraphrases", split="train[:50000]").train_test_split(test_size=0.05)
tokenized_train = raw["train"].map(lambda batch: preprocess_function(batch, tokenizer), batched=True)
tokenized_val = raw["test"].map(lambda batch: preprocess_function(batch, tokenizer), batched=True)

config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, bias="none", task_type="Seq2Seq")
model = AutoModelForSeq2SeqLM.from_pretrained(model_name).to(device)
model = get_peft_model(model, config)

data_collator = DataCollatorForSeq2Seq(tokenizer=tokenizer, model=model, label_pad_token_id=-100, padding="longest")
training_args = Seq2SeqTrainingArguments(
    output_dir=os.getcwd(), eval_strategy="epoch", save_strategy="epoch", learning_rate=2e-5,
    per_device_train_batch_size=16, per_device_eval_batch_size=16, weight_decay=1e-3, save_total_limit=3,
    load_best_model_at_end=True, num_train_epochs=10, predict_with_generate=True)
trainer = Seq2SeqTrainer(model=model, args=training_args, train_dataset=tokenized_train, eval_dataset=tokenized_val,
                         data_collator=data_collator)
trainer.train()
