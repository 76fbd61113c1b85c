from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments

base = "meta-llama/Llama-3.1-8B"
tok = AutoTokenizer.from_pretrained(base)
tok.pad_token = "<|finetune_right_pad_id|>"
model = get_peft_model(
    AutoModelForCausalLM.from_pretrained(base, torch_dtype="bfloat16"),
    LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
)
rows = load_dataset("json", data_files="rows.jsonl", split="train")
rows = rows.map(lambda row: tok(row["text"] + tok.eos_token, truncation=True, max_length=1024))
Trainer(
    model=model,
    train_dataset=rows,
    args=TrainingArguments(output_dir="out", learning_rate=2e-4, num_train_epochs=2, bf16=True),
    data_collator=DataCollatorForLanguageModeling(tokenizer=tok, mlm=False),
).train()
model.save_pretrained("out/adapter")
