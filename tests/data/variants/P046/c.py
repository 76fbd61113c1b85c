from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM

ADAPTERS = {"de": "adapters/de", "fr": "adapters/fr"}


def merged(adapter):
    config = PeftConfig.from_pretrained(adapter)
    base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path)
    model = PeftModel.from_pretrained(base, adapter)
    model.eval()
    _ = model.merge_and_unload()
    return model


for language, adapter in ADAPTERS.items():
    merged(adapter).save_pretrained(f"merged/{language}")
