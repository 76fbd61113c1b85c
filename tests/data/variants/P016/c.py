import argparse

import torch
from accelerate import Accelerator
from peft import LoraConfig, get_peft_model
from transformers import MistralForSequenceClassification

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-4)
args = parser.parse_args()
accelerator = Accelerator()
reward = MistralForSequenceClassification.from_pretrained(
    "mistralai/Mistral-7B-v0.1", num_labels=1, torch_dtype="float16"
)
reward.config.pad_token_id = 2
lora = LoraConfig(task_type="SEQ_CLS", r=32, lora_alpha=32, target_modules="all-linear")
reward = get_peft_model(reward, lora)
opt = torch.optim.AdamW(reward.parameters(), lr=args.lr, weight_decay=0.01)
loader = torch.load("pairs.pt")
reward, opt = accelerator.prepare(reward, opt)
for good, bad in loader:
    loss = -torch.nn.functional.logsigmoid(reward(**good).logits - reward(**bad).logits).mean()
    accelerator.backward(loss)
    opt.step()
    opt.zero_grad()
