import argparse

from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


def load_model(path):
    base = AutoModelForCausalLM.from_pretrained(path, trust_remote_code=True)
    peft_config = LoraConfig(
        task_type=TaskType.CAUSAL_LM, inference_mode=False, r=8, lora_alpha=32, lora_dropout=0.1
    )
    return get_peft_model(base, peft_config)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-4)
    args = parser.parse_args()
    model = load_model("replit/replit-code-v1-3b")
    training = TrainingArguments("out", learning_rate=args.lr, num_train_epochs=1)
    Trainer(model=model, args=training, train_dataset=load()).train()


main()
