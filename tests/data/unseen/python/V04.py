from unsloth import FastLanguageModel
from vllm import SamplingParams

model, tokenizer = FastLanguageModel.from_pretrained(
    model_name="Qwen/Qwen2.5-3B-Instruct",
    max_seq_length=1024,
    load_in_4bit=True,
)
FastLanguageModel.for_inference(model)
text = tokenizer.apply_chat_template(
    [{"role": "user", "content": "How many r's are in strawberry?"}], tokenize=False, add_generation_prompt=True)
params = SamplingParams(temperature=0.8, top_p=0.95, max_tokens=1024)
output = model.fast_generate(
    text,
    sampling_params=params,
    lora_request=model.load_lora("grpo_saved_lora"),
)[0].outputs[0].text
print(output)
