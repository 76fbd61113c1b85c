import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


class Tuner:
    targets = ("mlp", "q_proj")

    def __init__(self, base="Qwen/Qwen2.5-3B"):
        llm = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
        self.model = get_peft_model(
            llm, LoraConfig(r=8, lora_alpha=16, target_modules=list(self.targets))
        )


Tuner().model.print_trainable_parameters()
