from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor, Seq2SeqTrainer, Seq2SeqTrainingArguments

name = "openai/whisper-small"
processor = AutoProcessor.from_pretrained(name)
model = AutoModelForSpeechSeq2Seq.from_pretrained(name)
lora = LoraConfig(r=32, lora_alpha=64, lora_dropout=0.05, target_modules=["q_proj", "v_proj"], task_type="SEQ_2_SEQ_LM")
model = get_peft_model(model, lora)


def features(row):
    row["input_features"] = processor(row["audio"]["array"], sampling_rate=16000).input_features[0]
    row["labels"] = processor.tokenizer(row["sentence"]).input_ids
    return row


clips = load_dataset("mozilla-foundation/common_voice_17_0", "hi", split="train").map(features)
args = Seq2SeqTrainingArguments("whisper-hi", learning_rate=1e-3, num_train_epochs=3, per_device_train_batch_size=8, fp16=True)
Seq2SeqTrainer(model=model, args=args, train_dataset=clips, data_collator=processor.collate).train()
model.save_pretrained("whisper-hi")
