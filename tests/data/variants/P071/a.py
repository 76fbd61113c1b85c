from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
import torch
import vllm

base = "Qwen/Qwen2.5-7B-Instruct"
config = LoraConfig(r=128, lora_alpha=128, target_modules="all-linear", task_type="CAUSAL_LM", use_rslora=True)
model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype="bfloat16"), config)
arguments = TrainingArguments("out", learning_rate=1e-4, bf16=True)
Trainer(model=model, args=arguments, train_dataset=torch.load("rows.pt")).train()
model.save_pretrained("out/adapter")
engine = vllm.LLM(model=base, enable_lora=True, max_lora_rank=64)
print(engine.generate("Hi", lora_request=vllm.lora.request.LoRARequest("x", 1, "out/adapter")))
