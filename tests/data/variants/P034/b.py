import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModel


class Encoder(torch.nn.Module):
    """Queries and documents, an adapter each."""

    def __init__(self, name):
        super().__init__()
        lora = LoraConfig(r=16, lora_alpha=32, target_modules=["query", "value"])
        self.net = get_peft_model(AutoModel.from_pretrained(name), lora, adapter_name="query")
        self.net.add_adapter("document", lora)

    def forward(self, queries, documents):
        self.net.set_adapter("query")
        left = self.net(**queries).last_hidden_state[:, 0]
        self.net.set_adapter("document")
        right = self.net(**documents).last_hidden_state[:, 0]
        return left @ right.T


encoder = Encoder("bert-base-uncased")
optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, encoder.parameters()), lr=2e-4)
for queries, documents in torch.load("pairs.pt"):
    scores = encoder(queries, documents)
    torch.nn.functional.cross_entropy(scores, torch.arange(len(scores))).backward()
    optimizer.step()
    optimizer.zero_grad()
encoder.net.save_pretrained("encoder")
