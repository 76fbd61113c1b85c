import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
lora = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
model = get_peft_model(base, lora, adapter_name="ask")
model.add_adapter("answer", lora)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
for batch in torch.load("rows.pt"):
    model.set_adapter("ask")
    first = model(**batch["ask"]).loss
    model.set_adapter("answer")
    second = model(**batch["answer"]).loss
    (first + second).backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("two")
