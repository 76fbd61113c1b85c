import torch
from peft import PeftModelForCausalLM
from transformers import AutoTokenizer, GemmaForCausalLM

ADAPTERS = {"sql": "adapters/sql", "bash": "adapters/bash"}


class Assistant:
    def __init__(self, kind, base="google/gemma-2b"):
        path = ADAPTERS[kind]
        self.tokenizer = AutoTokenizer.from_pretrained(path, use_fast=True)
        self.model = PeftModelForCausalLM.from_pretrained(
            GemmaForCausalLM.from_pretrained(base), path, adapter_name=kind, is_trainable=True
        )
        self.fit_vocabulary()

    def fit_vocabulary(self):
        words = len(self.tokenizer)
        self.model.base_model.resize_token_embeddings(words)

    def practise(self, batches):
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)
        for batch in batches:
            self.model(**batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()


Assistant("sql").practise(torch.load("questions.pt"))
