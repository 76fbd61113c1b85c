import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer


class Contrast(SFTTrainer):
    def compute_loss(self, model, inputs, *args, **kwargs):
        model.set_adapter("good")
        good = super().compute_loss(model, inputs, *args, **kwargs)
        model.set_adapter("bad")
        bad = super().compute_loss(model, inputs)
        return good - 0.1 * bad


lora = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
model = get_peft_model(AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B"), lora, "good")
model.add_adapter("bad", lora)
trainer = Contrast(
    model=model,
    args=SFTConfig(output_dir="contrast", learning_rate=2e-4, max_length=1024),
    train_dataset=torch.load("rows.pt"),
)
trainer.train()
