from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer


class Preferences(DPOTrainer):
    """Ours, with the loss of each pair logged."""


base = "Qwen/Qwen2.5-1.5B-Instruct"
trainer = Preferences(
    model=base,
    ref_model=None,
    beta=0.2,
    args=DPOConfig(output_dir="dpo", learning_rate=1e-5),
    processing_class=AutoTokenizer.from_pretrained(base),
    train_dataset=load_dataset("trl-lib/ultrafeedback_binarized", split="train"),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
)
trainer.train()
