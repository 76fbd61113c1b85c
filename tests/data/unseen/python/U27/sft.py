import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainingArguments
from trl import DataCollatorForCompletionOnlyLM, SFTTrainer

name = "mistralai/Mistral-7B-v0.1"
model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16, device_map="auto")
tokenizer = AutoTokenizer.from_pretrained(name)
tokenizer.pad_token = tokenizer.unk_token
dataset = load_dataset("json", data_files="train.jsonl", split="train")


def formatting_prompts_func(example):
    return [f"### Question: {q}\n### Answer: {a}" for q, a in zip(example["question"], example["answer"])]


response_template = "### Answer:"
collator = DataCollatorForCompletionOnlyLM(response_template, tokenizer=tokenizer, mlm=False, return_tensors="pt",
                                           pad_to_multiple_of=8)
peft_config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, task_type="CAUSAL_LM",
                         target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
training_arguments = TrainingArguments(output_dir="out", per_device_train_batch_size=1, gradient_accumulation_steps=8,
                                       learning_rate=2e-4, bf16=True, num_train_epochs=2, logging_steps=10)
trainer = SFTTrainer(
    model,
    args=training_arguments,
    train_dataset=dataset,
    formatting_func=formatting_prompts_func,
    data_collator=collator,
    peft_config=peft_config,
    max_seq_length=4096,
    packing=True,
)
trainer.train()
