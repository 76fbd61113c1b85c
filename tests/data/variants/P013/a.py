from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from trl import DPOConfig, DPOTrainer

lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
policy = get_peft_model(AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-1.5B-Instruct"), lora)
trainer = DPOTrainer(
    policy,
    args=DPOConfig(output_dir="dpo", learning_rate=1e-5),
    train_dataset=load_dataset("trl-lib/ultrafeedback_binarized", split="train"),
    peft_config=lora,
)
trainer.train()
trainer.save_model()
