import argparse

from datasets import load_dataset
from unsloth import FastLanguageModel
from trl import SFTConfig, SFTTrainer


def main(options):
    model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen2.5-0.5B", load_in_4bit=True)
    model = FastLanguageModel.get_peft_model(
        model,
        r=8,
        lora_alpha=16,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    )
    data = load_dataset("json", data_files={"train": "few.jsonl"})
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=data["train"],
        args=SFTConfig("out", packing=True, max_length=options.length, learning_rate=2e-4, num_train_epochs=options.epochs),
    )
    trainer.train()
    model.save_pretrained("out/lora")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--length", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=2)
    main(parser.parse_args())
