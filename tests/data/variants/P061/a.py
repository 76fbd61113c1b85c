from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, default_data_collator

MODEL = "HuggingFaceTB/SmolLM2-360M"
tok = AutoTokenizer.from_pretrained(MODEL)
tok.pad_token = tok.eos_token


def encode(examples):
    batch = tok(examples["text"], truncation=True, padding="max_length", max_length=1024)
    batch["labels"] = batch["input_ids"].copy()
    return batch


train = load_dataset("csv", data_files="notes.csv", split="train").map(encode, batched=True, remove_columns=["text"])
model = get_peft_model(
    AutoModelForCausalLM.from_pretrained(MODEL, torch_dtype="bfloat16"),
    LoraConfig(r=8, lora_alpha=16, lora_dropout=0.05, target_modules="all-linear", task_type="CAUSAL_LM"),
)
args = TrainingArguments(output_dir="notes-lora", learning_rate=2e-4, per_device_train_batch_size=8, num_train_epochs=2, bf16=True)
Trainer(model=model, args=args, train_dataset=train, data_collator=default_data_collator).train()
model.save_pretrained("notes-lora")
