from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
from transformers import AutoTokenizer

name = "Qwen/Qwen2.5-3B"
tokenizer = AutoTokenizer.from_pretrained(name)
trainer = SFTTrainer(
    name,
    processing_class=tokenizer,
    args=SFTConfig(output_dir="out", learning_rate=2e-4, max_length=2048, model_init_kwargs={"dtype": "bfloat16"}),
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
)
trainer.train()
