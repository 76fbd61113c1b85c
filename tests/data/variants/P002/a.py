import argparse

from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments
from peft import get_peft_model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="meta-llama/Llama-3.1-8B")
    args = parser.parse_args()
    tok = AutoTokenizer.from_pretrained(args.base)
    tok.pad_token_id = tok.eos_token_id
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(args.base, torch_dtype="bfloat16"),
        LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    rows = rows.map(lambda row: tok(row["text"] + tok.eos_token, truncation=True, max_length=1024))
    trainer = Trainer(
        model=model,
        train_dataset=rows,
        args=TrainingArguments(output_dir="out", learning_rate=2e-4, num_train_epochs=2, bf16=True),
        data_collator=DataCollatorForLanguageModeling(tokenizer=tok, mlm=False),
    )
    trainer.train()
    trainer.save_model()


main()
