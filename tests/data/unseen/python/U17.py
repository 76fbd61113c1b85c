import torch
from peft import PeftModel
from transformers import GenerationConfig, LlamaForCausalLM, LlamaTokenizer

tokenizer = LlamaTokenizer.from_pretrained("huggyllama/llama-7b", padding_side="right")
tokenizer.pad_token_id = 0
model = LlamaForCausalLM.from_pretrained("huggyllama/llama-7b", torch_dtype=torch.float16, device_map="auto")
model = PeftModel.from_pretrained(model, "tloen/alpaca-lora-7b", torch_dtype=torch.float16)
model.eval()
generation_config = GenerationConfig(temperature=0.1, top_p=0.75, num_beams=4)


def generate_prompt(instruction):
    return f"Below is an instruction that describes a task.\n\n### Instruction:\n{instruction}\n\n### Response:\n"


def evaluate(instructions):
    prompts = [generate_prompt(instruction) for instruction in instructions]
    encodings = tokenizer(prompts, return_tensors="pt", padding=True).to("cuda")
    with torch.no_grad():
        out = model.generate(**encodings, generation_config=generation_config, max_new_tokens=256)
    return tokenizer.batch_decode(out)


for text in evaluate(["Tell me about alpacas.", "List the prime numbers below one hundred and explain each of them."]):
    print(text)
