import argparse

from datasets import load_dataset
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM
from trl import RewardConfig, SFTConfig, SFTTrainer

parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default=16)
options = parser.parse_args()
base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
base = PeftModel.from_pretrained(base, "first-adapter", is_trainable=True)
lora = LoraConfig(r=options.rank, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
arguments = SFTConfig(output_dir="second", learning_rate=2e-4, max_length=1024)
data = load_dataset("trl-lib/Capybara", split="train")
trainer = SFTTrainer(base, arguments, train_dataset=data, peft_config=lora)
trainer.train()
trainer.save_model()
