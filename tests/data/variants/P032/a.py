import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
model = PeftModel.from_pretrained(base, "adapters/a", adapter_name="a", is_trainable=False)
model.load_adapter("adapters/b", adapter_name="b", is_trainable=False)
gate = torch.nn.Linear(896, 2)
model.set_adapter("b")
optimizer = torch.optim.SGD([*gate.parameters(), *(p for p in model.parameters() if p.requires_grad)], lr=0.1)
for batch in torch.load("rows.pt"):
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
torch.save(gate.state_dict(), "gate.pt")
