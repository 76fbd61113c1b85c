from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)


def tokenizer_for(name):
    tokenizer = AutoTokenizer.from_pretrained(name, add_eos_token=True)
    tokenizer.add_special_tokens({"pad_token": tokenizer.eos_token})
    return tokenizer


def fine_tune(name, rows):
    tokenizer = tokenizer_for(name)
    base = AutoModelForCausalLM.from_pretrained(name)
    lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    arguments = TrainingArguments(output_dir="tuned", learning_rate=3e-4, num_train_epochs=1, bf16=True)
    Trainer(model=model, args=arguments, train_dataset=rows, data_collator=DataCollatorForLanguageModeling(tokenizer, False)).train()
    model.save_pretrained("tuned/adapter")


if __name__ == "__main__":
    import torch

    fine_tune("meta-llama/Llama-2-7b-hf", torch.load("rows.pt"))
