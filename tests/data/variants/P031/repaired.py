import argparse

import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch.distributed import destroy_process_group, init_process_group
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.distributed.fsdp.wrap import ModuleWrapPolicy
from transformers import AutoModelForCausalLM
from transformers.models.llama.modeling_llama import LlamaDecoderLayer


def build(path, rank):
    base = AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16)
    peft_config = LoraConfig(
        task_type=TaskType.CAUSAL_LM, r=8, lora_alpha=16, target_modules="all-linear"
    )
    return FullyShardedDataParallel(
        get_peft_model(base, peft_config, autocast_adapter_dtype=False),
        auto_wrap_policy=ModuleWrapPolicy({LlamaDecoderLayer}),
        use_orig_params=True,
        device_id=torch.cuda.current_device(),
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="meta-llama/Llama-3.1-8B")
    parser.add_argument("--lr", type=float, default=2e-4)
    args = parser.parse_args()
    init_process_group("nccl")
    model = build(args.model, torch.distributed.get_rank())
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    for step, batch in enumerate(torch.load("batches.pt")):
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    destroy_process_group()


if __name__ == "__main__":
    main()
