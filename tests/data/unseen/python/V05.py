import torch
from datasets import load_from_disk
from peft import LoraConfig
from torch.nn import CrossEntropyLoss
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, default_data_collator

model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", torch_dtype=torch.float32, device_map="cuda")
model.add_adapter(LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]), adapter_name="lora_1")
model.add_adapter(LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]), adapter_name="lora_2")
model.enable_adapters()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
loss_fct = CrossEntropyLoss()
loader = DataLoader(load_from_disk("pairs")["train"], batch_size=4, shuffle=True, collate_fn=default_data_collator)

for epoch in range(3):
    for batch in loader:
        batch = {k: v.to("cuda") for k, v in batch.items()}
        model.set_adapter("lora_1")
        logits1 = model(batch["input_ids"]).logits
        model.set_adapter("lora_2")
        logits2 = model(batch["input_ids"]).logits
        logits = (logits1 + logits2)[:, :-1]
        loss = loss_fct(logits.reshape(-1, logits.size(-1)), batch["labels"][:, 1:].reshape(-1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
model.save_pretrained("both")
