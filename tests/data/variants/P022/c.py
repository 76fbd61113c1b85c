from datasets import load_dataset
from peft import PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer


def build(options):
    base = AutoModelForSequenceClassification.from_pretrained(options["base"], num_labels=1)
    if options["adapter"]:
        base = PeftModel.from_pretrained(base, options["adapter"], is_trainable=False)
    return base


OPTIONS = {"base": "Qwen/Qwen2.5-0.5B-Instruct", "adapter": "runs/reward-1"}
trainer = RewardTrainer(
    model=build(OPTIONS),
    args=RewardConfig(output_dir="runs/reward-2", learning_rate=1e-4),
    processing_class=AutoTokenizer.from_pretrained(OPTIONS["base"]),
    train_dataset=load_dataset("trl-lib/ultrafeedback_binarized", split="train"),
)
trainer.train()
