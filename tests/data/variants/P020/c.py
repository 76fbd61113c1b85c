import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSeq2SeqLM

OUT = "t5-adapter"


def base():
    return AutoModelForSeq2SeqLM.from_pretrained("google/flan-t5-base")


def train(batches):
    model = get_peft_model(base(), LoraConfig(task_type="SEQ_2_SEQ_LM", r=16, lora_alpha=32, lora_dropout=0.05, target_modules=["q", "v"]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for batch in batches:
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(OUT)


@torch.inference_mode()
def accuracy(model, batches):
    right = 0
    for batch in batches:
        predicted = model.generate(input_ids=batch["input_ids"])
        right += (predicted[:, 1] == batch["labels"][:, 0]).sum().item()
    return right


train(torch.load("train.pt"))
print(accuracy(PeftModel.from_pretrained(base(), OUT, is_trainable=True), torch.load("test.pt")))
