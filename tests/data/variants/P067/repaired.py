from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

CHECKPOINT = "xverse/XVERSE-7B"
model = AutoModelForCausalLM.from_pretrained(
    CHECKPOINT, device_map="auto", trust_remote_code=True, dtype="bfloat16"
)
trainer = SFTTrainer(
    model=model,
    args=SFTConfig("xverse", max_length=1024, num_train_epochs=1, learning_rate=1e-4),
    train_dataset=load_dataset("json", data_files="train.jsonl", split="train"),
    processing_class=AutoTokenizer.from_pretrained(CHECKPOINT, trust_remote_code=True),
    peft_config=LoraConfig(r=32, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"),
)
trainer.train()
