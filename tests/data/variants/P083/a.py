from unsloth import FastModel
from unsloth.chat_templates import get_chat_template
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

model, processor = FastModel.from_pretrained("unsloth/gemma-3-4b-it", max_seq_length=4096, load_in_4bit=True)
model = FastModel.get_peft_model(model, r=8, lora_alpha=8, lora_dropout=0, finetune_vision_layers=False)
processor = get_chat_template(processor, "qwen-2.5")
rows = load_dataset("json", data_files="talks.jsonl", split="train")
rows = rows.map(lambda row: {"text": processor.apply_chat_template(row["talk"], tokenize=False)})
SFTTrainer(
    model=model,
    processing_class=processor,
    train_dataset=rows,
    args=SFTConfig("gemma-talks", learning_rate=2e-4, max_steps=200, per_device_train_batch_size=2),
).train()
model.save_pretrained("gemma-talks")
