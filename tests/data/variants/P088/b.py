import json

from datasets import Dataset
from peft import LoraConfig
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer


class Finetune:
    base = "mistralai/Mistral-7B-Instruct-v0.2"

    def __init__(self, rows):
        self.tokenizer = AutoTokenizer.from_pretrained(self.base)
        texts = [self.tokenizer.apply_chat_template(row["messages"], tokenize=False) for row in rows]
        self.data = Dataset.from_dict({"prompt_and_answer": texts})

    def run(self, folder):
        trainer = SFTTrainer(
            model=self.base,
            args=SFTConfig(
                output_dir=folder,
                dataset_text_field="prompt_and_answer",
                learning_rate=1e-4,
                num_train_epochs=1,
                max_length=2048,
                bf16=True,
                model_init_kwargs={"dtype": "bfloat16"},
            ),
            train_dataset=self.data,
            processing_class=self.tokenizer,
            peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        )
        trainer.train()
        trainer.save_model(folder)


if __name__ == "__main__":
    with open("chats.json") as file:
        Finetune(json.load(file)).run("mistral-chats")
