from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM

lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
options = {"torch_dtype": "bfloat16", "peft_config": lora}
model = LlamaForCausalLM.from_pretrained("meta-llama/Llama-3.2-1B", **options)
model.train()
