import torch
import transformers
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

CUTOFF_LEN = 512
base = "huggyllama/llama-7b"
add_eos_token = True
train_on_inputs = False

model = AutoModelForCausalLM.from_pretrained(base, torch_dtype=torch.bfloat16, device_map="auto")
tokenizer = AutoTokenizer.from_pretrained(base)
tokenizer.pad_token_id = 0
tokenizer.padding_side = "left"


def generate_prompt(row, with_output=True):
    text = f"Below is an instruction.\n\n### Instruction:\n{row['instruction']}\n\n### Response:\n"
    return text + row["output"] if with_output else text


def tokenize(prompt):
    result = tokenizer(prompt, truncation=True, max_length=CUTOFF_LEN, padding=False, return_tensors=None)
    if result["input_ids"][-1] != tokenizer.eos_token_id and len(result["input_ids"]) < CUTOFF_LEN and add_eos_token:
        result["input_ids"].append(tokenizer.eos_token_id)
        result["attention_mask"].append(1)
    result["labels"] = result["input_ids"].copy()
    return result


def generate_and_tokenize_prompt(row):
    full = tokenize(generate_prompt(row))
    if not train_on_inputs:
        user = tokenize(generate_prompt(row, with_output=False))
        user_prompt_len = len(user["input_ids"])
        full["labels"] = [-100] * user_prompt_len + full["labels"][user_prompt_len:]
    return full


model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], lora_dropout=0.05,
                                         bias="none", task_type="CAUSAL_LM"))
data = load_dataset("yahma/alpaca-cleaned", split="train").map(generate_and_tokenize_prompt)
trainer = transformers.Trainer(
    model=model, train_dataset=data,
    args=transformers.TrainingArguments(output_dir="lora-alpaca", per_device_train_batch_size=4,
                                        gradient_accumulation_steps=32, num_train_epochs=3, learning_rate=3e-4,
                                        bf16=True, group_by_length=False),
    data_collator=transformers.DataCollatorForSeq2Seq(tokenizer, pad_to_multiple_of=8, return_tensors="pt", padding=True))
trainer.train()
model.save_pretrained("lora-alpaca")
