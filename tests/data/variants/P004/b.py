from dataclasses import dataclass, field
from typing import Optional

from datasets import load_from_disk
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForSeq2SeqLM, HfArgumentParser, Seq2SeqTrainer
from transformers import Seq2SeqTrainingArguments


@dataclass
class ModelArguments:
    base: str = field(default="google/flan-t5-xl")
    peft: bool = field(default=True)
    rank: Optional[int] = field(default=16)


class Experiment:
    def __init__(self):
        parser = HfArgumentParser((Seq2SeqTrainingArguments, ModelArguments))
        self.args, self.model_args = parser.parse_args_into_dataclasses()
        self.args.gradient_checkpointing = True

    def model(self):
        model = AutoModelForSeq2SeqLM.from_pretrained(self.model_args.base)
        config = LoraConfig(
            task_type=TaskType.SEQ_2_SEQ_LM, r=16, lora_alpha=32, target_modules=["q", "v"]
        )
        return get_peft_model(model, config)

    def run(self):
        trainer = Seq2SeqTrainer(
            model=self.model(), args=self.args, train_dataset=load_from_disk("tokenized")
        )
        trainer.train()


Experiment().run()
