import argparse

from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer
from datasets import load_dataset

parser = argparse.ArgumentParser()
parser.add_argument("--adapter", default="runs/first/checkpoint-500")
options = parser.parse_args()
model = AutoPeftModelForCausalLM.from_pretrained(options.adapter, torch_dtype="bfloat16", is_trainable=True)
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir="runs/second", learning_rate=2e-4, max_length=1024),
    train_dataset=load_dataset("json", data_files="more.jsonl", split="train"),
    processing_class=AutoTokenizer.from_pretrained(options.adapter),
)
trainer.train()
trainer.save_model()
