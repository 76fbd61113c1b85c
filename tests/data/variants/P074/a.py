from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer
from datasets import load_dataset

trainer = SFTTrainer(
    model=AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B", dtype="bfloat16"),
    args=SFTConfig(output_dir="out", learning_rate=2e-4, max_length=1024),
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
    peft_config=LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["c_attn", "c_proj", "up_proj"],
        task_type="CAUSAL_LM",
    ),
)
trainer.train()
