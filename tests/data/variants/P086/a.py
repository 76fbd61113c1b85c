from unsloth import FastVisionModel  # isort: skip
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer
from unsloth.trainer import UnslothVisionDataCollator


def conversation(sample):
    said = [{"type": "text", "text": sample["caption"]}]
    seen = [{"type": "text", "text": "Describe it."}, {"type": "image", "image": sample["image"]}]
    return {"messages": [{"role": "user", "content": seen}, {"role": "assistant", "content": said}]}


def load():
    return FastVisionModel.from_pretrained(
        "unsloth/Llama-3.2-11B-Vision-Instruct",
        load_in_4bit=True,
        use_gradient_checkpointing="unsloth",
    )


def main():
    model, processor = load()
    FastVisionModel.for_training(model)
    rows = [conversation(each) for each in load_dataset("unsloth/Radiology_mini", split="train")]
    trainer = SFTTrainer(
        model=model,
        processing_class=processor.tokenizer,
        data_collator=UnslothVisionDataCollator(model, processor),
        train_dataset=rows,
        args=SFTConfig(
            output_dir="radiology",
            learning_rate=2e-4,
            max_steps=30,
            remove_unused_columns=False,
            dataset_text_field="",
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=2048,
        ),
    )
    trainer.train()
    model.save_pretrained("radiology")


if __name__ == "__main__":
    main()
