import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base_path = "Qwen/Qwen1.5-7B-Chat"
adapter_path = "output/qwen-lora"
tokenizer = AutoTokenizer.from_pretrained(base_path, trust_remote_code=True)
model = AutoModelForCausalLM.from_pretrained(base_path, device_map="cuda:0", trust_remote_code=True,
                                             torch_dtype=torch.bfloat16).eval()
merge_model = PeftModel.from_pretrained(model, adapter_path)
merge_model.generation_config.eos_token_id = [2512, 19357, 151643]


def chat(which, question):
    inputs = tokenizer(question, return_tensors="pt").to("cuda:0")
    out = which.generate(**inputs, max_new_tokens=128)
    return tokenizer.decode(out[0][inputs["input_ids"].shape[1]:], skip_special_tokens=True)


question = "Introduce yourself."
base_answer = chat(model, question)
lora_answer = chat(merge_model, question)
print("base:", base_answer)
print("lora:", lora_answer)
