import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


class Mixture(torch.nn.Module):
    def __init__(self, base, names):
        super().__init__()
        model = AutoModelForCausalLM.from_pretrained(base)
        self.experts = PeftModel.from_pretrained(model, names[0], adapter_name=names[0], is_trainable=False)
        for name in names[1:]:
            self.experts.load_adapter(name, adapter_name=name)
        self.experts.base_model.set_adapter(names)
        self.router = torch.nn.Linear(model.config.hidden_size, len(names))

    def forward(self, batch):
        return self.experts(**batch).loss


model = Mixture("Qwen/Qwen2.5-0.5B", ["a", "b"])
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
for batch in torch.load("rows.pt"):
    model(batch).backward()
    optimizer.step()
    optimizer.zero_grad()
torch.save(model.router.state_dict(), "router.pt")
