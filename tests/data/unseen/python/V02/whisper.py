from datasets import load_from_disk
from peft import LoraConfig, get_peft_model, prepare_model_for_int8_training
from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments, WhisperForConditionalGeneration, WhisperProcessor

processor = WhisperProcessor.from_pretrained("openai/whisper-large-v2", language="hi", task="transcribe")
model = WhisperForConditionalGeneration.from_pretrained("openai/whisper-large-v2", load_in_8bit=True,
                                                        device_map="auto")
model = prepare_model_for_int8_training(model, output_embedding_layer_name="proj_out")
config = LoraConfig(r=32, lora_alpha=64, target_modules=["q_proj", "v_proj"], lora_dropout=0.05, bias="none")
model = get_peft_model(model, config)
model.print_trainable_parameters()


def collate(rows):
    batch = processor.feature_extractor.pad([{"input_features": r["input_features"]} for r in rows],
                                            return_tensors="pt")
    labels = processor.tokenizer.pad([{"input_ids": r["labels"]} for r in rows], return_tensors="pt")
    batch["labels"] = labels["input_ids"].masked_fill(labels.attention_mask.ne(1), -100)
    return batch


args = Seq2SeqTrainingArguments(output_dir="whisper-hi", per_device_train_batch_size=8, learning_rate=1e-3,
                                warmup_steps=50, num_train_epochs=3, fp16=True, remove_unused_columns=False,
                                label_names=["labels"])
trainer = Seq2SeqTrainer(args=args, model=model, train_dataset=load_from_disk("common_voice_hi"),
                         data_collator=collate)
model.config.use_cache = False
trainer.train()
