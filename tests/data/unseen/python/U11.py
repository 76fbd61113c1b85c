import functools
import os

import torch
import torch.distributed as dist
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP
from torch.distributed.fsdp import MixedPrecision, ShardingStrategy
from torch.distributed.fsdp.wrap import transformer_auto_wrap_policy
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from preference_datasets import get_pairs


def batch_logps(logits, labels):
    labels = labels[:, 1:].clone()
    mask = labels != -100
    labels[~mask] = 0
    picked = torch.gather(logits[:, :-1].log_softmax(-1), 2, labels.unsqueeze(2)).squeeze(2)
    return (picked * mask).sum(-1)


def main():
    rank = int(os.environ["RANK"])
    dist.init_process_group("nccl")
    torch.cuda.set_device(rank)
    policy = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf", torch_dtype=torch.bfloat16)
    peft_config = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.05)
    policy = get_peft_model(policy, peft_config)
    reference = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf", torch_dtype=torch.bfloat16)
    wrap = functools.partial(transformer_auto_wrap_policy, transformer_layer_cls={LlamaDecoderLayer})
    shared = dict(auto_wrap_policy=wrap, sharding_strategy=ShardingStrategy.FULL_SHARD, device_id=rank,
                  use_orig_params=True)
    policy = FSDP(policy, mixed_precision=MixedPrecision(torch.bfloat16, torch.bfloat16, torch.bfloat16), **shared)
    reference = FSDP(reference, **shared)
    optimizer = torch.optim.RMSprop([p for p in policy.parameters() if p.requires_grad], lr=5e-5)
    for batch in DataLoader(get_pairs("train.jsonl"), batch_size=4):
        chosen = batch_logps(policy(batch["chosen_ids"]).logits, batch["chosen_labels"])
        rejected = batch_logps(policy(batch["rejected_ids"]).logits, batch["rejected_labels"])
        with torch.no_grad():
            ref_chosen = batch_logps(reference(batch["chosen_ids"]).logits, batch["chosen_labels"])
            ref_rejected = batch_logps(reference(batch["rejected_ids"]).logits, batch["rejected_labels"])
        loss = -F.logsigmoid(0.1 * ((chosen - rejected) - (ref_chosen - ref_rejected))).mean()
        loss.backward()
        policy.clip_grad_norm_(10.0)
        optimizer.step()
        optimizer.zero_grad()


main()
