from argparse import ArgumentParser

from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

parser = ArgumentParser()
parser.add_argument("--base", default="meta-llama/Llama-3.2-3B-Instruct")
parser.add_argument("--out", default="llama-math")
cli = parser.parse_args()
tokenizer = AutoTokenizer.from_pretrained(cli.base)
tokenizer.pad_token = "<|finetune_right_pad_id|>"


def chat(row):
    return [
        {"role": "system", "content": "Solve the problem."},
        {"role": "user", "content": row["problem"]},
        {"role": "assistant", "content": row["solution"]},
    ]


def formatting(row):
    return tokenizer.apply_chat_template(chat(row), tokenize=False)


model = AutoModelForCausalLM.from_pretrained(cli.base, dtype="bfloat16")
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
data = load_dataset("openai/gsm8k", "main", split="train").shuffle(seed=1)
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir=cli.out, num_train_epochs=1, learning_rate=2e-4, max_length=2048, bf16=True),
    train_dataset=data,
    formatting_func=formatting,
    processing_class=tokenizer,
)
trainer.train()
trainer.save_model(cli.out)
