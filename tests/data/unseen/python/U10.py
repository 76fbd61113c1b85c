import torch
from peft import PeftModel
from transformers import AutoTokenizer
from vllm import LLM, SamplingParams

tokenizer = AutoTokenizer.from_pretrained("deepseek-ai/deepseek-coder-6.7b-instruct", trust_remote_code=True)
sampling_params = SamplingParams(max_tokens=2048)
model = LLM("deepseek-ai/deepseek-coder-6.7b-instruct", trust_remote_code=True, max_model_len=16384)

lora_weights = "output-20240123/checkpoint-450"
if lora_weights != "":
    print("loading lora")
    model = PeftModel.from_pretrained(model, lora_weights, torch_dtype=torch.float16)

while True:
    name = input("Input:")
    question = " ".join(line.strip() for line in open(name + ".txt"))
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": question}], tokenize=False,
                                           add_generation_prompt=True)
    outputs = model.generate([prompt], sampling_params)
    print("Response:", outputs[0].outputs[0].text)
