import torch
from peft import LoraConfig, TaskType
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


class TwoPlayers(Trainer):
    names = ("first", "second")

    def training_step(self, model, inputs, num_items_in_batch=None):
        total = 0
        for name in self.names:
            model.set_adapter(name)
            total = total + model(**inputs).loss
        self.accelerator.backward(total)
        return total.detach()


def main():
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype=torch.bfloat16)
    lora = LoraConfig(task_type=TaskType.CAUSAL_LM, r=16, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
    model.add_adapter(lora, "first")
    model.add_adapter(lora, "second")
    arguments = TrainingArguments("players", learning_rate=2e-4, bf16=True, num_train_epochs=1)
    TwoPlayers(model, arguments, train_dataset=torch.load("rows.pt")).train()
    model.save_pretrained("players/final")


main()
