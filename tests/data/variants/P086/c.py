import argparse

import unsloth
from datasets import load_dataset

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=120)
parser.add_argument("--out", default="continued")
args = parser.parse_args()

NAMES = {"8b": "unsloth/Meta-Llama-3.1-8B-bnb-4bit", "3b": "unsloth/Llama-3.2-3B-bnb-4bit"}
model, tokenizer = unsloth.FastLanguageModel.from_pretrained(NAMES["8b"], 4096)
corpus = load_dataset("roneneldan/TinyStories", split="train[:2500]")

settings = unsloth.UnslothTrainingArguments(
    output_dir=args.out, max_steps=args.steps, learning_rate=5e-5, embedding_learning_rate=5e-6
)
trainer = unsloth.UnslothTrainer(
    model=model, processing_class=tokenizer, train_dataset=corpus, args=settings
)
trainer.train()
