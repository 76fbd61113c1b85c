import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl import PPOConfig, PPOTrainer, create_reference_model

tokenizer = AutoTokenizer.from_pretrained("google/gemma-2-2b-it", padding_side="left")
tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained("google/gemma-2-2b-it", torch_dtype=torch.bfloat16)
ref_model = create_reference_model(model)
rm_model = AutoModelForSequenceClassification.from_pretrained("reward_model_50epochs", num_labels=1)
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM",
                                         target_modules=["q_proj", "v_proj"]))

dataset = load_dataset("argilla/reward-model-data-falcon", split="train")
dataset = dataset.map(lambda row: tokenizer(row["instruction"], truncation=True, max_length=128),
                      remove_columns=dataset.column_names)
config = PPOConfig(output_dir="/kaggle/working/ppo", learning_rate=1e-5, per_device_train_batch_size=4,
                   total_episodes=2000)
ppo_trainer = PPOTrainer(
    config=config,
    processing_class=tokenizer,
    policy=model,
    ref_policy=ref_model,
    reward_model=rm_model,
    train_dataset=dataset,
)
ppo_trainer.train()
