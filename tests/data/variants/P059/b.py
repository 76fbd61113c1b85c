import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSequenceClassification


class Scorer:
    def __init__(self, name):
        model = AutoModelForSequenceClassification.from_pretrained(name, num_labels=2)
        lora = LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules=["query", "value"])
        self.model = get_peft_model(model, lora)

    def load(self, path):
        self.model = PeftModel.from_pretrained(self.model, path)
        self.model.eval()


scorer = Scorer("roberta-base")
scorer.load("runs/scorer")
print(scorer.model(input_ids=torch.tensor([[0, 5, 2]])).logits)
