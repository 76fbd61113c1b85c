import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from transformers import LlamaForCausalLM, Trainer, TrainingArguments


def adapter_only(model):
    original = model.state_dict
    model.state_dict = (lambda self, *_, **__: get_peft_model_state_dict(self, original())).__get__(model, type(model))
    return model


def main(base="huggyllama/llama-7b", rank=8):
    model = LlamaForCausalLM.from_pretrained(base, torch_dtype=torch.bfloat16)
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    model = adapter_only(model)
    Trainer(model=model, args=TrainingArguments("out", learning_rate=3e-4, bf16=True), train_dataset=torch.load("rows.pt")).train()
    model.save_pretrained("out")


main()
