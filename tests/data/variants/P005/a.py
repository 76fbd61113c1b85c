from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("facebook/opt-1.3b")
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"], task_type="CAUSAL_LM"))
args = TrainingArguments(output_dir="opt", per_device_train_batch_size=8, learning_rate=2e-4, num_train_epochs=1)
args.gradient_checkpointing = True
Trainer(model=model, args=args, train_dataset=load_from_disk("train")).train()
model.save_pretrained("opt/adapter")
