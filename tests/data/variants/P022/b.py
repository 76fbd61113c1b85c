import torch
from accelerate import Accelerator
from peft import PeftModel
from transformers import AutoModelForCausalLM

accelerator = Accelerator(mixed_precision="bf16")
policy = PeftModel.from_pretrained(
    AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B"), "sft", is_trainable=False
)
optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-4)
loader = torch.utils.data.DataLoader(torch.load("rows.pt"), batch_size=4)
policy, optimizer, loader = accelerator.prepare(policy, optimizer, loader)
policy.train()
for batch in loader:
    accelerator.backward(policy(**batch).loss)
    optimizer.step()
    optimizer.zero_grad()
accelerator.unwrap_model(policy).save_pretrained("more")
