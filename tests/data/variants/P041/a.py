import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
peft_model = get_peft_model(base, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
peft_model.print_trainable_parameters()
trainer = Trainer(
    model=base,
    args=TrainingArguments(output_dir="out", learning_rate=2e-4, num_train_epochs=1, bf16=True),
    train_dataset=torch.load("rows.pt"),
)
trainer.train()
trainer.save_model()
