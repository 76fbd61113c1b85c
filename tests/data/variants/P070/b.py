from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def model(name, quantize=True):
    kwargs = {}
    if quantize:
        kwargs["load_in_8bit"] = True
    return AutoModelForCausalLM.from_pretrained(name, **kwargs)


config = LoraConfig(r=8, lora_alpha=8, init_lora_weights="loftq", loftq_config={"loftq_bits": 8}, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
peft_model = get_peft_model(model("huggyllama/llama-7b"), config)
