import torch
from peft import PeftModel
from transformers import AutoModelForSeq2SeqLM


def experts(base, paths):
    model = AutoModelForSeq2SeqLM.from_pretrained(base)
    first, *rest = paths
    model = PeftModel.from_pretrained(model, first, "0", is_trainable=False)
    for number, path in enumerate(rest, start=1):
        model.load_adapter(path, str(number), is_trainable=False)
    model.set_adapter("1")
    return model


def main():
    model = experts("google/flan-t5-base", ["x", "y"])
    scale = torch.nn.Parameter(torch.ones(()))
    optimizer = torch.optim.Adam(list(filter(lambda p: p.requires_grad, model.parameters())) + [scale], lr=1e-3)
    for batch in torch.load("rows.pt"):
        (scale * model(**batch).loss).backward()
        optimizer.step()
        optimizer.zero_grad()


main()
