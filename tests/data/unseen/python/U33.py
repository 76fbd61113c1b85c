import fairseq
import torch
import torch.nn as nn
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader

from asv_data import ASVDataset


class SSLModel(nn.Module):
    """wav2vec 2.0 XLS-R of fairseq with LoRA on the attention."""

    def __init__(self, cp_path="xlsr2_300m.pt"):
        super().__init__()
        model, _, _ = fairseq.checkpoint_utils.load_model_ensemble_and_task([cp_path])
        self.model = model[0]
        peft_config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], lora_dropout=0.1)
        model = get_peft_model(self.model, peft_config)
        model.print_trainable_parameters()
        self.out_dim = 1024

    def extract_feat(self, wave):
        return self.model(wave, mask=False, features_only=True)["x"]


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.ssl = SSLModel()
        self.head = nn.Linear(self.ssl.out_dim, 2)

    def forward(self, wave):
        return self.head(self.ssl.extract_feat(wave).mean(1))


net = Detector().cuda()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(10):
    for wave, label in DataLoader(ASVDataset("LA/train"), batch_size=8, shuffle=True):
        loss = loss_fn(net(wave.cuda()), label.cuda())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(net.state_dict(), f"checkpoints/epoch_{epoch}.pth")
