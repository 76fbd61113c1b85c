import argparse

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--base", default="meta-llama/Llama-3.2-3B")
options = parser.parse_args()
targets = "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj".split()
lora = LoraConfig(task_type="CAUSAL_LM", target_modules=targets, r=16, lora_alpha=32)
model = get_peft_model(AutoModelForCausalLM.from_pretrained(options.base), lora)
model.print_trainable_parameters()
