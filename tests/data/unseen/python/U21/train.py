import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import (AutoModelForSeq2SeqLM, AutoTokenizer, BitsAndBytesConfig, DataCollatorForSeq2Seq,
                          Seq2SeqTrainer, Seq2SeqTrainingArguments)

model_name_or_path = "google/flan-t5-xxl"
tokenizer = AutoTokenizer.from_pretrained(model_name_or_path)
args = Seq2SeqTrainingArguments(output_dir="flan-t5-xxl-lora", per_device_train_batch_size=4, learning_rate=1e-3,
                                num_train_epochs=1, logging_steps=10, save_strategy="epoch")
model = AutoModelForSeq2SeqLM.from_pretrained(
    model_name_or_path,
    quantization_config=BitsAndBytesConfig(load_in_8bit=True),
    device_map={"": 0},
    torch_dtype=torch.float16,
)
model = prepare_model_for_kbit_training(model)
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=["q", "v"], lora_dropout=0.05,
                                         bias="none", task_type="SEQ_2_SEQ_LM"))


def preprocess(batch):
    out = tokenizer(batch["dialogue"], max_length=512, truncation=True)
    out["labels"] = tokenizer(text_target=batch["summary"], max_length=128, truncation=True)["input_ids"]
    return out


data = load_dataset("knkarthick/samsum", split="train")
data = data.map(preprocess, batched=True, remove_columns=data.column_names)
trainer = Seq2SeqTrainer(model=model, args=args, train_dataset=data,
                         data_collator=DataCollatorForSeq2Seq(tokenizer, model=model, label_pad_token_id=-100))
trainer.train()
