from dataclasses import dataclass

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSeq2SeqLM, HfArgumentParser, Seq2SeqTrainer, Seq2SeqTrainingArguments


@dataclass
class Options:
    base: str = "google/flan-t5-base"
    adapter: str | None = None
    rank: int = 16


class Run:
    def __init__(self, options, training):
        self.options = options
        self.training = training

    def model(self):
        model = AutoModelForSeq2SeqLM.from_pretrained(self.options.base)
        lora = LoraConfig(r=self.options.rank, lora_alpha=32, target_modules=["q", "v"], task_type="SEQ_2_SEQ_LM")
        if self.options.adapter is None:
            model = get_peft_model(model, lora)
        else:
            model = PeftModel.from_pretrained(model, self.options.adapter)
        return model

    def train(self):
        model = self.model()
        trainer = Seq2SeqTrainer(model=model, args=self.training, train_dataset=torch.load("rows.pt"))
        trainer.train()
        trainer.save_model()


options, training = HfArgumentParser((Options, Seq2SeqTrainingArguments)).parse_args_into_dataclasses()
Run(options, training).train()
