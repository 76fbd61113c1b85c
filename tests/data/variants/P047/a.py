from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def publish(base, adapter, repo):
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, torch_dtype="auto"), adapter)
    model.merge_and_unload()
    model.push_to_hub(repo)
    AutoTokenizer.from_pretrained(base).push_to_hub(repo)


publish("Qwen/Qwen2.5-7B-Instruct", "me/qwen-lora", "me/qwen-merged")
