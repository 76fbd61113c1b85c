import argparse

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="tiiuae/falcon-7b")
parser.add_argument("--targets", nargs="+", default=["query_key_value", "q_proj", "v_proj"])
args = parser.parse_args()
lora = LoraConfig(r=16, lora_alpha=32, target_modules=args.targets, task_type="CAUSAL_LM")
model = get_peft_model(AutoModelForCausalLM.from_pretrained(args.model), lora)
