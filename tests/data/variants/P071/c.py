import argparse

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


def train(base, rank, out):
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    Trainer(model=model, args=TrainingArguments(out, learning_rate=2e-4, bf16=True), train_dataset=torch.load("rows.pt")).train()
    model.save_pretrained(out)


def sample(base, adapter):
    from vllm import LLM
    from vllm.lora.request import LoRARequest

    engine = LLM(model=base, enable_lora=True, max_lora_rank=8)
    return engine.generate(["Once"], lora_request=LoRARequest("a", 1, adapter))


train("meta-llama/Llama-3.2-1B", 16, "story")
print(sample("meta-llama/Llama-3.2-1B", "story"))
