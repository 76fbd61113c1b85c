from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

NAME = "HuggingFaceTB/SmolLM2-360M"


def train(rows, out):
    config = LoraConfig(r=16, lora_alpha=16, init_lora_weights="pissa_niter_16", target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(NAME), config)
    rows(model)
    model.save_pretrained(out)


base = AutoModelForCausalLM.from_pretrained(NAME)
model = PeftModel.from_pretrained(base, "summaries")
model.eval()
print(model.active_adapter)
model = PeftModel.from_pretrained(base, "titles")
model.eval()
print(model.active_adapter)
