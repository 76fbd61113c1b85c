from datasets import load_dataset
from peft import AutoPeftModelForCausalLM
from trl import KTOConfig, KTOTrainer

policy = AutoPeftModelForCausalLM.from_pretrained("runs/sft", dtype="bfloat16", is_trainable=True)
trainer = KTOTrainer(
    model=policy,
    args=KTOConfig(output_dir="runs/kto", learning_rate=1e-5),
    train_dataset=load_dataset("trl-lib/kto-mix-14k", split="train"),
)
trainer.train()
