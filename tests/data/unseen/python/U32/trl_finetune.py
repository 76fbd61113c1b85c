import argparse

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

parser = argparse.ArgumentParser()
parser.add_argument("-m", "--model_name", type=str, default="meta-llama/Llama-2-70b-hf")
parser.add_argument("-t", "--train_file", type=str, default="data/train.csv")
parser.add_argument("-b", "--batch_size", type=int, default=1)
parser.add_argument("-ga", "--gradient_accumulation_steps", type=int, default=16)
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model_name)
tokenizer.pad_token = tokenizer.unk_token
bnb_config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16,
                                bnb_4bit_use_double_quant=True)
model = AutoModelForCausalLM.from_pretrained(args.model_name, quantization_config=bnb_config, device_map="auto",
                                             torch_dtype=torch.bfloat16)
data = load_dataset("csv", data_files=args.train_file, split="train")
peft_config = LoraConfig(r=64, lora_alpha=16, lora_dropout=0.05, bias="none", task_type="CAUSAL_LM",
                         target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
trainer = SFTTrainer(
    model=model, train_dataset=data, peft_config=peft_config, processing_class=tokenizer,
    args=SFTConfig(output_dir="qlora-70b", per_device_train_batch_size=args.batch_size, bf16=True, max_length=2048,
                   gradient_accumulation_steps=args.gradient_accumulation_steps, learning_rate=1e-4,
                   num_train_epochs=1, logging_steps=1, gradient_checkpointing=True,
                   gradient_checkpointing_kwargs={"use_reentrant": False}))
trainer.train()
