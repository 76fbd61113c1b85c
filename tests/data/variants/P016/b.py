import torch
import transformers
from peft import LoraConfig, get_peft_model


class Tuner:
    dtype = torch.float16

    def __init__(self, path):
        self.model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=self.dtype)
        config = LoraConfig(
            r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], modules_to_save=["lm_head"]
        )
        self.model = get_peft_model(self.model, config).cuda()
        trained = filter(lambda p: p.requires_grad, self.model.parameters())
        self.optimizer = torch.optim.Adam(trained, lr=5e-5, betas=(0.9, 0.95))

    def epoch(self, batches):
        for batch in batches:
            self.optimizer.zero_grad()
            self.model(**batch).loss.backward()
            self.optimizer.step()


Tuner("Qwen/Qwen2.5-0.5B").epoch(torch.load("batches.pt"))
