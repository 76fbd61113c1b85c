import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration
from trl import SFTConfig, SFTTrainer

model_id = "Qwen/Qwen2.5-VL-7B-Instruct"
model = Qwen2_5_VLForConditionalGeneration.from_pretrained(model_id, torch_dtype=torch.bfloat16, device_map="auto")
processor = AutoProcessor.from_pretrained(model_id)
dataset = load_dataset("json", data_files="vqa.jsonl", split="train")


def collate_fn(examples):
    texts = [processor.apply_chat_template(example["messages"], tokenize=False) for example in examples]
    images = [example["images"][0] for example in examples]
    batch = processor(text=texts, images=images, return_tensors="pt", padding=True)
    labels = batch["input_ids"].clone()
    labels[labels == processor.tokenizer.pad_token_id] = -100
    labels[labels == processor.image_token_id] = -100
    batch["labels"] = labels
    return batch


training_args = SFTConfig(output_dir="qwen25vl-sft", num_train_epochs=3, per_device_train_batch_size=2,
                          gradient_accumulation_steps=8, learning_rate=1e-4, bf16=True, logging_steps=5,
                          gradient_checkpointing=True, gradient_checkpointing_kwargs={"use_reentrant": False},
                          remove_unused_columns=False)
trainer = SFTTrainer(
    model=model,
    train_dataset=dataset,
    args=training_args,
    data_collator=collate_fn,
    processing_class=processor.tokenizer,
    peft_config=LoraConfig(r=8, lora_alpha=16, lora_dropout=0.05, target_modules=["q_proj", "v_proj"],
                           task_type="CAUSAL_LM"),
)
trainer.train()
