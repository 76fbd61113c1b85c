from dataclasses import dataclass, field

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSeq2SeqLM


@dataclass
class Adapter:
    rank: int = 8
    targets: list = field(default_factory=lambda: ["decoder.*SelfAttention.q"])

    def config(self):
        return LoraConfig(r=self.rank, lora_alpha=16, target_modules=self.targets, task_type="SEQ_2_SEQ_LM")


model = AutoModelForSeq2SeqLM.from_pretrained("google/flan-t5-base")
model = get_peft_model(model, Adapter().config())
