import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

base = "Qwen/Qwen2.5-0.5B"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base)
lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.1, target_modules="all-linear", task_type="CAUSAL_LM")
model = get_peft_model(model, lora)
args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1, bf16=True)
Trainer(model=model, args=args, train_dataset=torch.load("rows.pt")).train()
model.save_pretrained("out/adapter")

fresh = AutoModelForCausalLM.from_pretrained(base)
trained = PeftModel.from_pretrained(fresh, "out/adapter", is_trainable=True)
batch = tokenizer("Hello", return_tensors="pt")
print(tokenizer.decode(trained.generate(**batch, max_new_tokens=20)[0]))
