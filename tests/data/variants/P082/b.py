from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

NAME = "HuggingFaceTB/SmolLM3-3B"
tokenizer = AutoTokenizer.from_pretrained(NAME)


def render(example):
    example["text"] = tokenizer.apply_chat_template(example["messages"], tokenize=False)
    return example


def main():
    rows = load_dataset("HuggingFaceTB/smoltalk", "all", split="train")
    rows = rows.map(render).remove_columns(["messages"])
    args = SFTConfig(output_dir="smol", learning_rate=2e-4, max_length=2048, assistant_only_loss=True, dataset_text_field="text")
    trainer = SFTTrainer(
        NAME,
        args=args,
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    trainer.train()


main()
