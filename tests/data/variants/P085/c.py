import torch
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

NAME = "EleutherAI/pythia-1.4b"


def load(name, bits):
    config = BitsAndBytesConfig(load_in_4bit=bits == 4, bnb_4bit_compute_dtype=torch.bfloat16)
    return AutoModelForCausalLM.from_pretrained(name, quantization_config=config)


def train(model, loader, epochs=2):
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=1e-4, weight_decay=0.01
    )
    model.train()
    for _ in range(epochs):
        for batch in loader:
            out = model(input_ids=batch["input_ids"].cuda(), labels=batch["labels"].cuda())
            out.loss.backward()
            optimizer.step()
            optimizer.zero_grad()


tokenizer = AutoTokenizer.from_pretrained(NAME)
network = load(NAME, 4)
train(network, DataLoader(torch.load("train.pt"), batch_size=2))
network.save_pretrained("pythia-tuned")
