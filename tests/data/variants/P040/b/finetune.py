import os

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

DEEPSPEED = os.path.join("conf", "ds.json")


class Job:
    def __init__(self, out):
        self.out = out
        self.args = TrainingArguments(
            out, num_train_epochs=1, learning_rate=1e-4, bf16=True, deepspeed=DEEPSPEED
        )
        model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1")
        config = LoraConfig(r=32, lora_alpha=64, target_modules="all-linear", task_type="CAUSAL_LM")
        self.model = get_peft_model(model, config)

    def run(self, data):
        trainer = Trainer(model=self.model, args=self.args, train_dataset=data)
        trainer.train()
        self.model.save_pretrained(self.out)


Job("out").run(load())
