from peft import PeftModel, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments
import torch


def load(base, adapter):
    model = AutoModelForCausalLM.from_pretrained(
        base, quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    )
    model = prepare_model_for_kbit_training(model)
    return PeftModel.from_pretrained(model, adapter)


def train(model, rows):
    args = TrainingArguments(output_dir="more", learning_rate=1e-4, bf16=True, num_train_epochs=1)
    Trainer(model=model, args=args, train_dataset=rows).train()
    model.save_pretrained("more/adapter")


if __name__ == "__main__":
    train(load("Qwen/Qwen2.5-7B", "first/adapter"), torch.load("rows.pt"))
