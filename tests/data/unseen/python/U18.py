import json

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

device = "cuda"
tokenizer = AutoTokenizer.from_pretrained("huggyllama/llama-13b", padding_side="left")
tokenizer.pad_token_id = 0
model = AutoModelForCausalLM.from_pretrained("huggyllama/llama-13b", torch_dtype=torch.float16, device_map="auto")
model = PeftModel.from_pretrained(model, "outputs/medqa-lora")
model.eval()


def generate_response(prompts, model, temperature=0.1, num_beams=1, top_k=50, repetition_penalty=1.0):
    encoding = tokenizer(prompts, padding=True, truncation=True, return_tensors="pt", max_length=1024)
    input_ids = encoding["input_ids"].to(device)
    generation_config = GenerationConfig(temperature=temperature, top_p=1, do_sample=True, num_beams=num_beams,
                                         top_k=top_k, repetition_penalty=repetition_penalty)
    with torch.inference_mode():
        return model.generate(input_ids=input_ids, generation_config=generation_config, return_dict_in_generate=True,
                              output_scores=True, max_new_tokens=512)


questions = [json.loads(line)["question"] for line in open("medqa.jsonl")]
answers = []
for start in range(0, len(questions), 8):
    result = generate_response(questions[start:start + 8], model)
    answers += tokenizer.batch_decode(result.sequences, skip_special_tokens=True)
json.dump(answers, open("answers.json", "w"))
