import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch.optim import AdamW
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import AutoModelForTokenClassification, AutoTokenizer

LABELS = ["O", "B-PER", "I-PER"]


def build(name="FacebookAI/xlm-roberta-large"):
    model = AutoModelForTokenClassification.from_pretrained(
        name, num_labels=len(LABELS), torch_dtype=torch.float16, device_map="auto"
    )
    peft_config = LoraConfig(
        task_type=TaskType.TOKEN_CLS, r=16, lora_alpha=16, lora_dropout=0.1, bias="none",
        target_modules=["query", "value"],
    )
    return get_peft_model(model, peft_config), AutoTokenizer.from_pretrained(name)


def train(loader, epochs=3):
    model, tokenizer = build()
    optimizer = AdamW(params=model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        model.train()
        for batch in tqdm(loader):
            loss = model(**batch).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()


train(DataLoader(torch.load("ner.pt"), batch_size=16))
