import torch
from datasets import load_dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, DataCollatorForLanguageModeling,
                          Trainer, TrainingArguments)

base_name = "meta-llama/Llama-2-13b-hf"
tokenizer = AutoTokenizer.from_pretrained(base_name)
tokenizer.pad_token = tokenizer.unk_token
base_model = AutoModelForCausalLM.from_pretrained(
    base_name, quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.float16),
    device_map={"": 0})

lora_config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], lora_dropout=0.05,
                         task_type="CAUSAL_LM")
# ADAPTER_1 stays frozen, ADAPTER_2 is to be trained on top of it
peft_model = PeftModel.from_pretrained(base_model, "./path/to/first", is_trainable=False, adapter_name="ADAPTER_1")
peft_model = get_peft_model(peft_model, lora_config, adapter_name="ADAPTER_2")

data = load_dataset("json", data_files="second.jsonl", split="train")
data = data.map(lambda r: tokenizer(r["text"], truncation=True, max_length=1024), remove_columns=data.column_names)
trainer = Trainer(
    model=peft_model,
    train_dataset=data,
    args=TrainingArguments(output_dir="second", per_device_train_batch_size=2, gradient_accumulation_steps=8,
                           learning_rate=2e-4, fp16=True, num_train_epochs=1),
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
)
trainer.train()
peft_model.save_pretrained("second")
