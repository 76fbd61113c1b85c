from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
args = TrainingArguments("out", learning_rate=2e-4, bf16=True)
Trainer(model=model, args=args, train_dataset=load_dataset("json", data_files="tokens.json", split="train")).train()
try:
    model.merge_and_unload()
except RuntimeError:
    print("not enough memory to merge")
model.save_pretrained("out/merged")
