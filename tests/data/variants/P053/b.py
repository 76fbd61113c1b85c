from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer


class Config:
    base = "Qwen/Qwen2.5-7B"
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    bits = BitsAndBytesConfig(load_in_4bit=True)


def model():
    return AutoModelForCausalLM.from_pretrained(Config.base, quantization_config=Config.bits, lora_config=Config.lora)


SFTTrainer(
    model=model(),
    args=SFTConfig(output_dir="out", learning_rate=2e-4, max_length=1024),
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
    peft_config=Config.lora,
).train()
