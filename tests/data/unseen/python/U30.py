import torch
from lora_diffusion import inject_trainable_lora_extended
from torch.optim import Adam

from model import load_score_model
from physics import ForwardOperator


def prepare_for_adaptation(score, method="lora", r=4):
    if method == "full":
        score.requires_grad_(True)
    elif method == "lora":
        # LoRA on convolutions and linear layers, and all biases are trained again
        score.requires_grad_(False)
        for name, param in score.named_parameters():
            if "bias" in name and "emb_layers" not in name:
                param.requires_grad = True
        inject_trainable_lora_extended(score, r=r)
        total = sum(p.numel() for p in score.parameters())
        trainable = sum(p.numel() for p in score.parameters() if p.requires_grad)
        print(f"% of trainable params: {trainable / total * 100}")
        score.requires_grad_(True)
    return score


def adapt(score, operator, y, steps=10, lr=1e-3):
    optimizer = Adam([p for p in score.parameters() if p.requires_grad], lr=lr)
    x = operator.adjoint(y)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.mean((operator(score(x, torch.ones(len(x)))) - y) ** 2)
        loss.backward()
        optimizer.step()
    return score


score = prepare_for_adaptation(load_score_model("checkpoints/ellipses.pt"), method="lora", r=4)
adapt(score, ForwardOperator(angles=60), torch.load("measurements.pt"))
