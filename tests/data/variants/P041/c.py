import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSpeechSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments


def load(name):
    model = AutoModelForSpeechSeq2Seq.from_pretrained(name)
    adapted = get_peft_model(model, LoraConfig(r=32, lora_alpha=64, target_modules=["q_proj", "v_proj"]))
    adapted.print_trainable_parameters()
    return model, adapted


model, adapted = load("openai/whisper-small")
arguments = Seq2SeqTrainingArguments("whisper", learning_rate=1e-3, num_train_epochs=3, fp16=True)
trainer = Seq2SeqTrainer(model, arguments, train_dataset=torch.load("audio.pt"))
trainer.train()
