from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

config = LoraConfig(
    r=16,
    lora_alpha=32,
    task_type="CAUSAL_LM",
    target_modules=["layers.[0-9]+.mlp.up_proj", "layers.[0-9]+.mlp.down_proj"],
)
model = get_peft_model(AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B"), config)
