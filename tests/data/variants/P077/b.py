import os

import torch
import torch.distributed as dist
from peft import LoraConfig, get_peft_model
from torch.nn.parallel import DistributedDataParallel as DDP
from transformers import AutoModelForCausalLM

REENTRANT = {"use_reentrant": True}
local_rank = int(os.environ["LOCAL_RANK"])
dist.init_process_group("nccl")
torch.cuda.set_device(local_rank)
llm = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", dtype=torch.bfloat16)
llm = get_peft_model(llm, LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"]))
llm.gradient_checkpointing_enable(gradient_checkpointing_kwargs=REENTRANT)
llm.enable_input_require_grads()
llm = DDP(llm.to(local_rank), device_ids=[local_rank], find_unused_parameters=True)
optimizer = torch.optim.AdamW([p for p in llm.parameters() if p.requires_grad], lr=2e-4)
for ids in torch.load("tokens.pt"):
    loss = llm(input_ids=ids, labels=ids).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
