from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
wrapped = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"))
model = PeftModel.from_pretrained(wrapped, "runs/adapter")
model.eval()
model.merge_and_unload().save_pretrained("merged")
