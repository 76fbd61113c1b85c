from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def config(extra):
    names = ["q_proj", "v_proj"]
    return LoraConfig(r=16, lora_alpha=32, target_modules=names.append(extra), task_type="CAUSAL_LM")


model = get_peft_model(AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B"), config("o_proj"))
model.print_trainable_parameters()
