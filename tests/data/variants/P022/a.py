from datasets import load_dataset
from peft import AutoPeftModelForCausalLM
from trl import DPOConfig, DPOTrainer

trainer = DPOTrainer(
    model=AutoPeftModelForCausalLM.from_pretrained("runs/sft/final", is_trainable=False),
    args=DPOConfig(output_dir="runs/dpo", learning_rate=1e-5),
    train_dataset=load_dataset("trl-lib/ultrafeedback_binarized", split="train"),
)
trainer.train()
trainer.save_model()
