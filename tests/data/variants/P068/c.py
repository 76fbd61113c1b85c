import argparse

from peft import LoraConfig, get_peft_model
from transformers import GPT2LMHeadModel, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default=4)
args = parser.parse_args()
for last in (10, 11):
    gpt2 = GPT2LMHeadModel.from_pretrained("gpt2")
    config = dict(r=args.rank, lora_alpha=8, fan_in_fan_out=True, target_modules=["c_attn", "wte"])
    gpt2 = get_peft_model(gpt2, LoraConfig(layers_to_transform=last, **config))
    training = TrainingArguments(f"gpt2-{last}", learning_rate=1e-3, num_train_epochs=1)
    Trainer(model=gpt2, args=training, train_dataset=load()).train()
