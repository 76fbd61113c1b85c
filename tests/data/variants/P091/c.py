from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

EXTRA = ["wte", "lm_head"]
settings = dict(task_type="CAUSAL_LM", r=8, lora_alpha=16, target_modules=["c_attn", "c_proj", "c_fc"])
settings["modules_to_save"] = EXTRA
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2-medium"), LoraConfig(**settings))
model.print_trainable_parameters()
