from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer
from trl import AutoModelForCausalLMWithValueHead, PPOConfig, PPOTrainer

config = PPOConfig(model_name="lvwerra/gpt2-imdb", learning_rate=1.41e-5, batch_size=64, mini_batch_size=16)
tokenizer = AutoTokenizer.from_pretrained(config.model_name)
tokenizer.pad_token = tokenizer.eos_token
dataset = load_dataset("imdb", split="train").rename_column("text", "review")
dataset = dataset.map(lambda s: {"input_ids": tokenizer.encode(s["review"])[:8]})
dataset.set_format("torch")

lora_config = LoraConfig(task_type="CAUSAL_LM", inference_mode=False, r=8, lora_alpha=32, lora_dropout=0.1)
model = AutoModelForCausalLMWithValueHead.from_pretrained(config.model_name)
model = get_peft_model(model, lora_config)
model.print_trainable_parameters()
ref_model = AutoModelForCausalLMWithValueHead.from_pretrained(config.model_name)


def collator(data):
    return {key: [d[key] for d in data] for key in data[0]}


ppo_trainer = PPOTrainer(config, model, ref_model, tokenizer, dataset=dataset, data_collator=collator)
for batch in ppo_trainer.dataloader:
    queries = batch["input_ids"]
    responses = ppo_trainer.generate(queries, max_new_tokens=16)
    break
