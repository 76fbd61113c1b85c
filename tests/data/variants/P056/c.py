from functools import partial

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from transformers import AutoModelForSeq2SeqLM, Seq2SeqTrainer, Seq2SeqTrainingArguments


class Tuner:
    def __init__(self, name):
        base = AutoModelForSeq2SeqLM.from_pretrained(name)
        self.model = get_peft_model(base, LoraConfig(r=16, lora_alpha=32, target_modules=["q", "v"], task_type="SEQ_2_SEQ_LM"))
        old = self.model.state_dict

        def new(*args, **kwargs):
            return get_peft_model_state_dict(self.model, old())

        self.model.state_dict = new

    def train(self, rows):
        arguments = Seq2SeqTrainingArguments("t5", learning_rate=1e-3)
        Seq2SeqTrainer(model=self.model, args=arguments, train_dataset=rows).train()
        self.model.save_pretrained("t5/adapter")


Tuner("google/flan-t5-base").train(torch.load("rows.pt"))
