from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

rows = load_dataset("json", data_files="few.jsonl", split="train")
args = SFTConfig(
    "out",
    packing=True,
    max_length=2048,
    learning_rate=2e-4,
    num_train_epochs=1,
    bf16=True,
)
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="bfloat16")
lora = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
SFTTrainer(model, args=args, train_dataset=rows, peft_config=lora).train()
