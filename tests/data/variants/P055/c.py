from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer


class Reward:
    base = "Qwen/Qwen2-1.5B-Instruct"

    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(self.base)
        self.model = AutoModelForSequenceClassification.from_pretrained(self.base, num_labels=1)
        self.lora = LoraConfig(r=32, lora_alpha=64, lora_dropout=0.05, task_type="SEQ_CLS", target_modules="all-linear")

    def train(self):
        pairs = load_dataset("json", data_files="pairs.jsonl", split="train")
        trainer = RewardTrainer(
            model=self.model,
            args=RewardConfig(output_dir="reward", max_length=1024, learning_rate=2e-5, num_train_epochs=1),
            tokenizer=self.tokenizer,
            train_dataset=pairs,
            peft_config=self.lora,
        )
        trainer.train()
        trainer.save_model("reward")


Reward().train()
