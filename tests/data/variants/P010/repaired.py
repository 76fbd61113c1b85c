import torch
from peft import PeftModel
from transformers import BitsAndBytesConfig, LlamaForCausalLM, LlamaTokenizer

tokenizer = LlamaTokenizer.from_pretrained("tmp/llama-output")
print(len(tokenizer))  # 33272

model = LlamaForCausalLM.from_pretrained(
    "meta-llama/Llama-2-7b-hf",
    quantization_config=BitsAndBytesConfig(load_in_8bit=True),
    device_map="auto",
    torch_dtype=torch.float16,
)
model.resize_token_embeddings(len(tokenizer))
model = PeftModel.from_pretrained(model, "tmp/llama-output", torch_dtype=torch.float16)
model.eval()
ids = tokenizer("Solve: 3 + 4 =", return_tensors="pt").input_ids.cuda()
print(tokenizer.decode(model.generate(input_ids=ids, max_new_tokens=64)[0]))
