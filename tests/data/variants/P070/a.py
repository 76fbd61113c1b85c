import torch
from peft import LoftQConfig, LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf", quantization_config=bits)
lora = LoraConfig(
    r=16,
    lora_alpha=16,
    target_modules="all-linear",
    task_type="CAUSAL_LM",
    init_lora_weights="loftq",
    loftq_config=LoftQConfig(loftq_bits=4),
)
model = get_peft_model(base, lora)
