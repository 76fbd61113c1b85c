import torch
import torch.distributed as dist
from peft import LoraConfig, get_peft_model
from torch.distributed import fsdp
from transformers import T5ForConditionalGeneration


class Finetuner:
    def __init__(self, name="google/flan-t5-xl"):
        model = T5ForConditionalGeneration.from_pretrained(name)
        model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=["q", "v"]))
        model.print_trainable_parameters()
        self.model = fsdp.FullyShardedDataParallel(model)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)

    def fit(self, loader):
        self.model.train()
        for batch in loader:
            loss = self.model(**batch).loss
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()


dist.init_process_group("nccl")
Finetuner().fit(torch.load("train.pt"))
