from dataclasses import dataclass

import accelerate
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlavaForConditionalGeneration


@dataclass
class Options:
    model: str = "llava-hf/llava-1.5-7b-hf"
    lr: float = 5e-5


class Runner:
    def __init__(self, options):
        handler = accelerate.DistributedDataParallelKwargs(
            broadcast_buffers=False, find_unused_parameters=True
        )
        self.accelerator = accelerate.Accelerator(
            mixed_precision="bf16", kwargs_handlers=[handler]
        )
        model = LlavaForConditionalGeneration.from_pretrained(options.model)
        model.enable_input_require_grads()
        model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": True}
        )
        config = LoraConfig(r=32, lora_alpha=64, target_modules=r".*language_model.*(q|v)_proj")
        self.model = get_peft_model(model, config)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=options.lr)
        self.model, self.optimizer = self.accelerator.prepare(self.model, self.optimizer)

    def step(self, batch):
        loss = self.model(**batch).loss
        self.accelerator.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad()


runner = Runner(Options())
for batch in torch.load("batches.pt"):
    runner.step(batch)
