import argparse
from functools import partial

import datasets
import transformers
from peft import LoraConfig, get_peft_model


def preprocess(row, tokenizer, max_len):
    prompt = f"### Question: {row['question']}\n### Answer: {row['answer']}{tokenizer.eos_token}"
    encoded = tokenizer(prompt, max_length=max_len, truncation=True, padding="max_length")
    return {
        "input_ids": encoded["input_ids"],
        "attention_mask": encoded["attention_mask"],
        "labels": encoded["input_ids"],
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="mistralai/Mistral-7B-v0.3")
    parser.add_argument("--max_len", type=int, default=512)
    cli = parser.parse_args()
    tokenizer = transformers.AutoTokenizer.from_pretrained(cli.model)
    tokenizer.pad_token = tokenizer.unk_token
    data = datasets.load_dataset("json", data_files="qa.jsonl")["train"]
    data = data.map(partial(preprocess, tokenizer=tokenizer, max_len=cli.max_len), remove_columns=data.column_names)
    model = transformers.AutoModelForCausalLM.from_pretrained(cli.model, torch_dtype="bfloat16")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    trainer = transformers.Trainer(
        model=model,
        train_dataset=data,
        args=transformers.TrainingArguments(
            "qa", learning_rate=1e-4, num_train_epochs=2, per_device_train_batch_size=4, bf16=True
        ),
        data_collator=transformers.DataCollatorForSeq2Seq(tokenizer, pad_to_multiple_of=8),
    )
    trainer.train()
    trainer.save_model("qa")


if __name__ == "__main__":
    main()
