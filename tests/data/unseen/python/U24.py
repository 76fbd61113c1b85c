from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

LORA_DIR = Path("loras")


class Shared:
    model = None
    tokenizer = None


shared = Shared()


def load_base(name="huggyllama/llama-7b"):
    shared.tokenizer = AutoTokenizer.from_pretrained(name)
    shared.model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.float16, device_map="auto")


def add_lora_to_model(lora_name):
    if lora_name == "None":
        shared.model.disable_adapter()
        shared.model = shared.model.base_model.model
        return
    shared.model = PeftModel.from_pretrained(shared.model, LORA_DIR / lora_name)


def answer(prompt):
    inputs = shared.tokenizer(prompt, return_tensors="pt").to("cuda")
    out = shared.model.generate(**inputs, max_new_tokens=100)
    return shared.tokenizer.decode(out[0], skip_special_tokens=True)


load_base()
add_lora_to_model("AB-test")
print(answer("Say A or B:"))
add_lora_to_model("None")
print(answer("Say A or B:"))
