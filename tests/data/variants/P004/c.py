import argparse

import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM, LlamaTokenizer, TrainingArguments
from trl import SFTTrainer

parser = argparse.ArgumentParser()
parser.add_argument("--base", default="huggyllama/llama-7b")
parser.add_argument("--use_lora", action="store_true")
flags = parser.parse_args()

tokenizer = LlamaTokenizer.from_pretrained(flags.base)
model = LlamaForCausalLM.from_pretrained(flags.base, torch_dtype=torch.bfloat16)
settings = dict(output_dir="out", learning_rate=1e-4, num_train_epochs=1, bf16=True,
                gradient_checkpointing=True)
if flags.use_lora:
    model = get_peft_model(model, LoraConfig(r=64, lora_alpha=128, task_type="CAUSAL_LM",
                                             target_modules=["q_proj", "k_proj", "v_proj"]))
data = load_dataset("timdettmers/openassistant-guanaco", split="train")
trainer = SFTTrainer(
    model,
    args=TrainingArguments(**settings),
    train_dataset=data,
    dataset_text_field="text",
    max_seq_length=1024,
    tokenizer=tokenizer,
)
trainer.train()
