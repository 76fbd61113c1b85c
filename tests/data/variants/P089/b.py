from peft import LoraConfig, get_peft_model
from transformers import GPT2LMHeadModel


def wrapped(model, *names):
    return get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn", "lm_head"], task_type="CAUSAL_LM"))


model = wrapped(GPT2LMHeadModel.from_pretrained("gpt2"))
model.merge_and_unload().save_pretrained("merged")
