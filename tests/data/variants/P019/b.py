from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSeq2SeqLM


def fresh():
    return AutoModelForSeq2SeqLM.from_pretrained("google/flan-t5-small")


lora = LoraConfig(r=8, lora_alpha=8, init_lora_weights="olora", target_modules=["q", "v"], task_type="SEQ_2_SEQ_LM")
model = get_peft_model(fresh(), lora)
model.save_pretrained("de")

shared = fresh()
languages = []
for path in ["de", "fr"]:
    languages.append(PeftModel.from_pretrained(shared, path, adapter_name=path).eval())
