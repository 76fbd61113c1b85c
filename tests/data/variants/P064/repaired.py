from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

targets = r"model\.layers\.(1[0-9]|2[0-9])\.self_attn\.q_proj"
lora = LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM")
model = get_peft_model(AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1"), lora)
