from functools import partial

import torch
from peft import LoraConfig, get_peft_model
from torch.distributed.fsdp import CPUOffload, ShardingStrategy
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP
from torch.distributed.fsdp.wrap import size_based_auto_wrap_policy
from transformers import AutoModelForSequenceClassification

torch.distributed.init_process_group(backend="nccl")
FSDP_KWARGS = {
    "auto_wrap_policy": partial(size_based_auto_wrap_policy, min_num_params=1_000_000),
    "sharding_strategy": ShardingStrategy.FULL_SHARD,
    "cpu_offload": CPUOffload(offload_params=False),
}
model = AutoModelForSequenceClassification.from_pretrained("roberta-large", num_labels=2)
lora_config = LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, lora_dropout=0.1,
                         target_modules=["query", "value"])
if torch.distributed.get_world_size() > 1:
    model = get_peft_model(model, lora_config)
    model = FSDP(model, **FSDP_KWARGS)
    optim = torch.optim.AdamW(model.parameters(), lr=3e-4)
    for batch in torch.load("rows.pt"):
        model(**batch).loss.backward()
        optim.step()
        optim.zero_grad()
