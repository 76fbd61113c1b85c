import argparse

import trl
from datasets import load_from_disk
from peft import LoraConfig
from transformers import AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("--base", default="Qwen/Qwen2.5-3B")
parser.add_argument("--answer", default="\nA: ")
cli = parser.parse_args()
tok = AutoTokenizer.from_pretrained(cli.base)
rows = load_from_disk("faq").map(lambda row: {"text": "Q: " + row["q"] + cli.answer + row["a"] + tok.eos_token})
trainer = trl.SFTTrainer(
    cli.base,
    train_dataset=rows,
    data_collator=trl.DataCollatorForCompletionOnlyLM(cli.answer, tokenizer=tok),
    args=trl.SFTConfig("faq-lora", learning_rate=2e-4, num_train_epochs=3, bf16=True),
    peft_config=LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
)
trainer.train()
