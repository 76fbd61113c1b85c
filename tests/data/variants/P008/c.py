import argparse

from datasets import load_from_disk
from peft import LoraConfig
from transformers import AutoModelForSeq2SeqLM, Seq2SeqTrainer, Seq2SeqTrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--resume", action="store_true")
flags = parser.parse_args()

lora = LoraConfig(r=32, lora_alpha=64, lora_dropout=0.1, target_modules=["q", "v"])
t5 = AutoModelForSeq2SeqLM.from_pretrained("google/flan-t5-base")
t5.add_adapter(lora)
t5.set_adapter("default")
args = Seq2SeqTrainingArguments("t5", learning_rate=1e-3, num_train_epochs=5)
trainer = Seq2SeqTrainer(model=t5, args=args, train_dataset=load_from_disk("sums"))
if flags.resume:
    trainer.train(resume_from_checkpoint=True)
else:
    trainer.train()
