import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification


class Languages:
    def __init__(self, name):
        lora = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"], task_type="SEQ_CLS")
        base = AutoModelForSequenceClassification.from_pretrained(name)
        self.model = get_peft_model(base, lora, adapter_name="en")
        self.model.add_adapter("de", lora)
        self.optimizer = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=5e-4)

    def loss(self, batch):
        self.model.set_adapter("en")
        english = self.model(**batch["en"]).loss
        self.model.set_adapter("de")
        return english + self.model(**batch["de"]).loss

    def fit(self, batches):
        for batch in batches:
            loss = self.loss(batch)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()


run = Languages("roberta-base")
run.fit(torch.load("batches.pt"))
run.model.save_pretrained("languages")
