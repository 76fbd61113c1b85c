import torch
from datasets import load_dataset
from peft import AutoPeftModelForCausalLM, LoraConfig
from transformers import AutoProcessor, Idefics2ForConditionalGeneration, Trainer, TrainingArguments

processor = AutoProcessor.from_pretrained("HuggingFaceM4/idefics2-8b", do_image_splitting=False)
lora_config = LoraConfig(
    r=8, lora_alpha=8, lora_dropout=0.1, init_lora_weights="gaussian",
    target_modules=".*(text_model|modality_projection|perceiver_resampler).*(down_proj|gate_proj|up_proj|k_proj|q_proj|v_proj|o_proj).*$",
)
model = Idefics2ForConditionalGeneration.from_pretrained("HuggingFaceM4/idefics2-8b", torch_dtype=torch.bfloat16)
model.add_adapter(lora_config)
model.enable_adapters()


class Collator:
    def __init__(self, processor):
        self.processor = processor
        self.image_token_id = processor.tokenizer.additional_special_tokens_ids[
            processor.tokenizer.additional_special_tokens.index("<image>")]

    def __call__(self, examples):
        texts = [self.processor.apply_chat_template(e["messages"], add_generation_prompt=False) for e in examples]
        batch = self.processor(text=texts, images=[[e["image"]] for e in examples], return_tensors="pt", padding=True)
        labels = batch["input_ids"].clone()
        labels[labels == self.processor.tokenizer.pad_token_id] = -100
        labels[labels == self.image_token_id] = -100
        batch["labels"] = labels
        return batch


train_dataset = load_dataset("json", data_files="cultural.jsonl", split="train")
args = TrainingArguments(output_dir="idefics2-cultural", num_train_epochs=2, per_device_train_batch_size=2,
                         gradient_accumulation_steps=8, learning_rate=1e-4, bf16=True, remove_unused_columns=False,
                         report_to="none")
trainer = Trainer(model=model, args=args, data_collator=Collator(processor), train_dataset=train_dataset)
trainer.train()
trainer.save_model("output_yalla")

model = AutoPeftModelForCausalLM.from_pretrained("output_yalla", torch_dtype=torch.float16)
merged_model = model.merge_and_unload()
merged_model.save_pretrained("idefics2-merged")
