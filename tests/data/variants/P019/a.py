from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
first = LoraConfig(r=8, lora_alpha=16, init_lora_weights="pissa", target_modules="all-linear", task_type="CAUSAL_LM")
trained = get_peft_model(base, first)
trained.save_pretrained("adapters/one")

other = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
one = PeftModel.from_pretrained(other, "adapters/one", adapter_name="one")
one.load_adapter("adapters/two", adapter_name="two")
one.eval()
print(one.peft_config)
