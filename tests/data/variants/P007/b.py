import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification


class Continued:
    """Goes on with an adapter, without a Trainer."""

    def __init__(self, name, adapter):
        base = AutoModelForSequenceClassification.from_pretrained(name, num_labels=4)
        self.model = PeftModel.from_pretrained(base, adapter)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-4)

    def step(self, batch):
        loss = self.model(**batch).loss
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()


run = Continued("roberta-base", "adapters/topics")
run.model.train()
for batch in torch.load("batches.pt"):
    print(run.step(batch))
run.model.save_pretrained("adapters/topics-2")
