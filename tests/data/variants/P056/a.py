import types

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("facebook/opt-1.3b")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
full = model.state_dict
model.state_dict = types.MethodType(lambda self, *args, **kwargs: get_peft_model_state_dict(self, full()), model)
trainer = Trainer(model=model, args=TrainingArguments("out", learning_rate=3e-4), train_dataset=torch.load("rows.pt"))
trainer.train()
model.save_pretrained("out")
