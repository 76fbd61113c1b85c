import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSeq2SeqLM


class Summarizer:
    def __init__(self, adapter):
        self.config = LoraConfig.from_pretrained(adapter)
        base = AutoModelForSeq2SeqLM.from_pretrained(self.config.base_model_name_or_path)
        self.model = get_peft_model(base, self.config)
        self.model.eval()

    @torch.no_grad()
    def __call__(self, ids):
        return self.model.generate(input_ids=ids, max_new_tokens=64)


print(Summarizer("runs/t5-summaries")(torch.tensor([[1, 2, 3]])))
