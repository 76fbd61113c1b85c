"""Fine-tune a summariser whose weights fit on a small card."""

import argparse

from datasets import load_dataset
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
)


class Summariser:
    def __init__(self, options):
        self.options = options
        self.tokenizer = AutoTokenizer.from_pretrained(options.model)
        self.net = AutoModelForSeq2SeqLM.from_pretrained(
            options.model,
            quantization_config=self.eight_bits(),
            device_map="auto",
        )

    @staticmethod
    def eight_bits():
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=6.0)

    def encode(self, row):
        return self.tokenizer(row["article"], text_target=row["highlights"], truncation=True)

    def fit(self):
        data = load_dataset("abisee/cnn_dailymail", "3.0.0", split="train").map(self.encode)
        arguments = Seq2SeqTrainingArguments(self.options.out, learning_rate=1e-4, max_steps=500)
        loop = Seq2SeqTrainer(
            self.net,
            arguments,
            DataCollatorForSeq2Seq(self.tokenizer, self.net),
            data,
        )
        loop.train()
        loop.save_model()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="google/flan-t5-large")
    parser.add_argument("--out", default="summaries")
    Summariser(parser.parse_args()).fit()


if __name__ == "__main__":
    main()
