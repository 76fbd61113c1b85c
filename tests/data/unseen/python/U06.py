import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer


def train_sft_locally(model_name, train_data, train_kwargs):
    device = train_kwargs.get("device", "cuda")
    model = AutoModelForCausalLM.from_pretrained(model_name, torch_dtype=torch.bfloat16).to(device)
    tokenizer = AutoTokenizer.from_pretrained(model_name)
    peft_config = LoraConfig(lora_alpha=16, lora_dropout=0.05, r=32, bias="none", target_modules="all-linear",
                             task_type="CAUSAL_LM")
    sft_config = SFTConfig(
        output_dir=train_kwargs["output_dir"],
        num_train_epochs=train_kwargs["num_train_epochs"],
        per_device_train_batch_size=train_kwargs["per_device_train_batch_size"],
        gradient_accumulation_steps=train_kwargs["gradient_accumulation_steps"],
        learning_rate=train_kwargs["learning_rate"],
        max_grad_norm=2.0,
        logging_steps=20,
        warmup_ratio=0.03,
        lr_scheduler_type="constant",
        save_steps=10_000,
        bf16=True,
        max_seq_length=train_kwargs["max_seq_length"],
        packing=False,
    )
    trainer = SFTTrainer(model=model, args=sft_config, train_dataset=train_data, peft_config=peft_config)
    trainer.train()
    trainer.save_model()
    return sft_config.output_dir


if __name__ == "__main__":
    data = load_dataset("json", data_files="traces.jsonl", split="train")
    train_sft_locally("meta-llama/Llama-3.2-1B", data, {
        "output_dir": "bootstrap", "num_train_epochs": 5, "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 8, "learning_rate": 1e-5, "max_seq_length": 1024})
