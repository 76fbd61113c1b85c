import torch
from accelerate import Accelerator
from datasets import load_dataset
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl import AutoModelForCausalLMWithValueHead, PPOConfig, PPOTrainer

model_name = "Qwen/Qwen2.5-Coder-7B-Instruct"
tokenizer = AutoTokenizer.from_pretrained(model_name, padding_side="left")
device_map = {"": Accelerator(mixed_precision="fp16").local_process_index}

model = AutoModelForCausalLM.from_pretrained(model_name, trust_remote_code=True, device_map=device_map,
                                             torch_dtype=torch.bfloat16)
model_p = PeftModel.from_pretrained(model, "adapters/policy", is_trainable=True)
policy = AutoModelForCausalLMWithValueHead(model_p)

reward = AutoModelForSequenceClassification.from_pretrained(model_name, num_labels=1, torch_dtype=torch.bfloat16,
                                                            device_map=device_map)
value = AutoModelForSequenceClassification.from_pretrained(model_name, num_labels=1, torch_dtype=torch.bfloat16,
                                                           device_map=device_map)
data = load_dataset("json", data_files="prompts.jsonl", split="train")
data = data.map(lambda r: {"input_ids": tokenizer(r["prompt"])["input_ids"]}, remove_columns=data.column_names)
args = PPOConfig(output_dir="ppo-coder", learning_rate=3e-6, per_device_train_batch_size=1, total_episodes=1000,
                 gradient_accumulation_steps=8)
trainer = PPOTrainer(args, tokenizer, policy, None, reward, data, value_model=value)
trainer.train()
