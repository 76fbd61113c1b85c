import os

from datasets import load_dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer


def prepare(name, adapter):
    model = AutoModelForCausalLM.from_pretrained(name)
    if os.path.exists(os.path.join(adapter, "adapter_config.json")):
        return PeftModel.from_pretrained(model, adapter)
    return get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"))


trainer = SFTTrainer(
    model=prepare("HuggingFaceTB/SmolLM2-1.7B", "out/adapter"),
    args=SFTConfig(output_dir="out", learning_rate=2e-4, max_length=1024),
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
)
trainer.train()
trainer.save_model("out/adapter")
