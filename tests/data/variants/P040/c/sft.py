import json

from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

with open("ds_config.json") as file:
    ds_config = json.load(file)
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-14B")
peft_config = LoraConfig(
    task_type=TaskType.CAUSAL_LM, r=8, lora_alpha=16, target_modules="all-linear"
)
model = get_peft_model(model, peft_config)
args = SFTConfig(
    "sft", learning_rate=2e-4, max_length=2048, num_train_epochs=1, deepspeed=ds_config
)
trainer = SFTTrainer(model=model, args=args, train_dataset=load())
trainer.train()
model.save_pretrained("sft/final")
