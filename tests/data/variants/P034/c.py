import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


def two_adapters(name):
    model = AutoModelForCausalLM.from_pretrained(name)
    for adapter in ("policy", "critic"):
        model.add_adapter(LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]), adapter_name=adapter)
    return model


class Both(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        losses = []
        for adapter in ("policy", "critic"):
            model.set_adapter(adapter)
            losses.append(model(**inputs).loss)
        return sum(losses)


trainer = Both(
    model=two_adapters("Qwen/Qwen2.5-0.5B"),
    args=TrainingArguments(output_dir="both", learning_rate=2e-4, bf16=True),
    train_dataset=torch.load("rows.pt"),
)
trainer.train()
