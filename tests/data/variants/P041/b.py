from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer


class Experiment:
    def __init__(self, name):
        self.base = AutoModelForCausalLM.from_pretrained(name)
        lora = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
        self.lora_model = get_peft_model(self.base, lora)

    def run(self):
        trainer = SFTTrainer(
            model=self.base,
            args=SFTConfig(output_dir="smol", learning_rate=2e-4, max_length=1024),
            train_dataset=load_dataset("trl-lib/Capybara", split="train"),
        )
        trainer.train()
        trainer.save_model("smol/final")


Experiment("HuggingFaceTB/SmolLM2-360M").run()
