import argparse

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForSeq2SeqLM, get_cosine_schedule_with_warmup


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="google/flan-t5-large")
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--epochs", type=int, default=3)
    return parser.parse_args()


def main():
    args = parse()
    accelerator = Accelerator(
        gradient_accumulation_steps=4,
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    peft_config = LoraConfig(task_type=TaskType.SEQ_2_SEQ_LM, r=8, lora_alpha=16)
    net = get_peft_model(AutoModelForSeq2SeqLM.from_pretrained(args.model), peft_config)
    net.enable_input_require_grads()
    net.gradient_checkpointing_enable(dict(use_reentrant=True))
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.lr)
    scheduler = get_cosine_schedule_with_warmup(optimizer, 100, 1000)
    loader = torch.utils.data.DataLoader(torch.load("pairs.pt"), batch_size=8)
    net, optimizer, loader, scheduler = accelerator.prepare(net, optimizer, loader, scheduler)
    for _ in range(args.epochs):
        for batch in loader:
            with accelerator.accumulate(net):
                accelerator.backward(net(**batch).loss)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()


if __name__ == "__main__":
    main()
