import torch
import transformers
from peft import LoraConfig, get_peft_model

SETTINGS = dict(r=16, lora_alpha=16, lora_dropout=0.05, bias="none")


class Embedder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        encoder = transformers.AutoModel.from_pretrained(
            "jinaai/jina-embeddings-v2-base-en", trust_remote_code=True
        )
        self.encoder = get_peft_model(encoder, LoraConfig(**SETTINGS))

    def forward(self, **inputs):
        return self.encoder(**inputs).last_hidden_state.mean(1)


embedder = Embedder()
optimizer = torch.optim.AdamW(embedder.parameters(), lr=1e-4)
for a, b in torch.load("pairs.pt"):
    loss = 1 - torch.cosine_similarity(embedder(**a), embedder(**b)).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
