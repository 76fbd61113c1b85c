import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

NAME = "roberta-base"


class Classifier:
    def __init__(self, path):
        base = AutoModelForSequenceClassification.from_pretrained(NAME, num_labels=2)
        self.model = PeftModel.from_pretrained(base, path, is_trainable=True)
        self.tokenizer = AutoTokenizer.from_pretrained(NAME)

    def classify(self, text):
        batch = self.tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            return self.model(**batch).logits.argmax(-1).item()


def train(path):
    lora = LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, lora_dropout=0.1, target_modules=["query", "value"])
    model = get_peft_model(AutoModelForSequenceClassification.from_pretrained(NAME, num_labels=2), lora)
    args = TrainingArguments("out", learning_rate=5e-4, num_train_epochs=3)
    Trainer(model=model, args=args, train_dataset=torch.load("rows.pt")).train()
    model.save_pretrained(path)


train("adapters/topics")
print(Classifier("adapters/topics").classify("cats"))
