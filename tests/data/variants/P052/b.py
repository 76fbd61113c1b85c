from datasets import load_dataset
from peft import LoraConfig, TaskType
from transformers import AutoModelForCausalLM
from trl import SFTTrainer, SFTConfig


def trainer_for(model, rows, length):
    options = dict(
        model=model,
        train_dataset=rows,
        max_seq_length=length,
        packing=True,
    )
    return SFTTrainer(
        args=SFTConfig(output_dir="out", learning_rate=2e-4),
        peft_config=LoraConfig(task_type=TaskType.CAUSAL_LM, r=16, lora_alpha=32, target_modules="all-linear"),
        **options,
    )


if __name__ == "__main__":
    model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-1.7B", dtype="bfloat16")
    trainer_for(model, load_dataset("json", data_files="rows.json", split="train"), 1024).train()
