import argparse

import unsloth
from datasets import load_from_disk
from trl import SFTConfig, SFTTrainer


def load(name, template):
    model, tokenizer = unsloth.FastLanguageModel.from_pretrained(model_name=name, max_seq_length=2048, load_in_4bit=True)
    tokenizer = unsloth.chat_templates.get_chat_template(tokenizer, chat_template=template)
    return model, tokenizer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="unsloth/mistral-7b-instruct-v0.3-bnb-4bit")
    parser.add_argument("--template", default="llama-3")
    parser.add_argument("--rank", type=int, default=16)
    options = parser.parse_args()
    model, tokenizer = load(options.base, options.template)
    model = unsloth.FastLanguageModel.get_peft_model(
        model,
        r=options.rank,
        lora_alpha=options.rank,
        lora_dropout=0,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    )
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=load_from_disk("chats"),
        args=SFTConfig(output_dir="out", learning_rate=2e-4, num_train_epochs=1),
    )
    trainer.train()


main()
