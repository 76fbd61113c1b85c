from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer


def adapter_config(rank):
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")


def with_adapter(name, rank):
    model = AutoModelForCausalLM.from_pretrained(name, dtype="bfloat16")
    return get_peft_model(model, adapter_config(rank))


def main():
    options = {
        "train_dataset": load_dataset("trl-lib/Capybara", split="train"),
        "peft_config": adapter_config(32),
    }
    trainer = SFTTrainer(
        model=with_adapter("HuggingFaceTB/SmolLM3-3B", 32),
        args=SFTConfig(output_dir="smol", learning_rate=2e-4, max_length=1024),
        **options,
    )
    trainer.train()
    trainer.save_model()


main()
