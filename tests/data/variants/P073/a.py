import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
from vllm import LLM, SamplingParams
from vllm.lora.request import LoRARequest

base = "mistralai/Mistral-7B-v0.3"
lora = LoraConfig(
    r=16,
    lora_alpha=32,
    target_modules="all-linear",
    modules_to_save=["embed_tokens", "lm_head"],
    task_type="CAUSAL_LM",
)
model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype="bfloat16"), lora)
Trainer(model=model, args=TrainingArguments("out", learning_rate=1e-4, bf16=True), train_dataset=torch.load("rows.pt")).train()
model.save_pretrained("out/adapter")
LLM(base, enable_lora=True).generate(["x"], SamplingParams(), lora_request=LoRARequest("a", 1, "out/adapter"))
