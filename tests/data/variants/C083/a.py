"""Preference tuning on one consumer card."""

from dataclasses import dataclass

from unsloth import FastLanguageModel, PatchDPOTrainer

PatchDPOTrainer()

from datasets import load_dataset
from trl import DPOConfig, DPOTrainer


@dataclass
class Settings:
    base: str = "unsloth/zephyr-sft-bnb-4bit"
    length: int = 1024
    beta: float = 0.1


def build(settings):
    model, tokenizer = FastLanguageModel.from_pretrained(
        model_name=settings.base, max_seq_length=settings.length
    )
    return model, tokenizer


def run(settings):
    model, tokenizer = build(settings)
    pairs = load_dataset("HuggingFaceH4/ultrafeedback_binarized", split="train_prefs")
    options = DPOConfig(output_dir="zephyr", beta=settings.beta, learning_rate=5e-6, max_steps=200)
    trainer = DPOTrainer(
        model=model, ref_model=None, processing_class=tokenizer, train_dataset=pairs, args=options
    )
    return trainer.train()


if __name__ == "__main__":
    run(Settings())
