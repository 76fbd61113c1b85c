from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSeq2SeqLM, Seq2SeqTrainer, Seq2SeqTrainingArguments


def train():
    args = Seq2SeqTrainingArguments(
        output_dir="mt",
        learning_rate=3e-4,
        num_train_epochs=2,
        bf16=True,
        deepspeed="zero3.json",
    )
    base = AutoModelForSeq2SeqLM.from_pretrained("google/mt5-large")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules=["q", "v"], task_type="SEQ_2_SEQ_LM")
    adapted = get_peft_model(base, lora)
    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    Seq2SeqTrainer(adapted, args, train_dataset=rows).train()
    adapted.save_pretrained("mt/adapter")


train()
