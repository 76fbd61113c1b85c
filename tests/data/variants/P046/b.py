from peft import PeftModel
from transformers import AutoModelForSeq2SeqLM


class Exporter:
    def __init__(self, base, adapter):
        self.model = PeftModel.from_pretrained(
            AutoModelForSeq2SeqLM.from_pretrained(base), adapter
        )

    def export(self, path):
        self.model.merge_and_unload()
        self.model.save_pretrained(path)


Exporter("google/flan-t5-base", "t5-lora").export("t5-merged")
