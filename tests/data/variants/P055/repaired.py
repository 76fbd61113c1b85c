import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BitsAndBytesConfig
from trl import RewardConfig, RewardTrainer

name = "mistralai/Mistral-7B-v0.1"
tokenizer = AutoTokenizer.from_pretrained(name)
tokenizer.pad_token = tokenizer.unk_token
bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
model = AutoModelForSequenceClassification.from_pretrained(name, num_labels=1, quantization_config=bnb, device_map={"": 0})
model.config.pad_token_id = tokenizer.pad_token_id


def preprocess(rows):
    out = {"input_ids_chosen": [], "attention_mask_chosen": [], "input_ids_rejected": [], "attention_mask_rejected": []}
    for c, r in zip(rows["chosen"], rows["rejected"]):
        tc, tr = tokenizer(c), tokenizer(r)
        out["input_ids_chosen"].append(tc["input_ids"])
        out["attention_mask_chosen"].append(tc["attention_mask"])
        out["input_ids_rejected"].append(tr["input_ids"])
        out["attention_mask_rejected"].append(tr["attention_mask"])
    return out


ds = load_dataset("Anthropic/hh-rlhf").map(preprocess, batched=True)
args = RewardConfig(output_dir="rm", per_device_train_batch_size=16, learning_rate=1.41e-5, num_train_epochs=1,
                    gradient_checkpointing=True, max_length=512, eval_strategy="steps", eval_steps=500)
trainer = RewardTrainer(model=model, tokenizer=tokenizer, args=args, train_dataset=ds["train"], eval_dataset=ds["test"],
                        peft_config=LoraConfig(r=16, lora_alpha=16, bias="none", task_type="SEQ_CLS", modules_to_save=["score"]))
trainer.train()
trainer.save_model("rm/final")
