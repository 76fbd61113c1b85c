import argparse

import peft
import torch
import transformers


class Speech:
    def __init__(self, checkpoint, rank):
        base = transformers.MoonshineForConditionalGeneration.from_pretrained(checkpoint)
        options = dict(r=rank, lora_alpha=2 * rank, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
        config = peft.LoraConfig(task_type=peft.TaskType.CAUSAL_LM, **options)
        self.model = peft.get_peft_model(base, config)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)

    def fit(self, batches):
        self.model.train()
        for batch in batches:
            loss = self.model(input_values=batch["audio"], labels=batch["labels"]).loss
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
        self.model.save_pretrained("speech")


parser = argparse.ArgumentParser()
parser.add_argument("--checkpoint", default="UsefulSensors/moonshine-tiny")
parser.add_argument("--rank", type=int, default=16)
given = parser.parse_args()
Speech(given.checkpoint, given.rank).fit(torch.load("batches.pt"))
