from peft import AdaLoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    BitsAndBytesConfig,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
    WhisperForConditionalGeneration,
    WhisperProcessor,
)
from utils.data_utils import DataCollatorSpeechSeq2SeqWithPadding
from utils.reader import CustomDataset


class Allocate(TrainerCallback):
    def on_optimizer_step(self, args, state, control, model=None, **kwargs):
        model.base_model.update_and_allocate(state.global_step)


processor = WhisperProcessor.from_pretrained("openai/whisper-large-v2", language="Chinese", task="transcribe")
model = WhisperForConditionalGeneration.from_pretrained(
    "openai/whisper-large-v2", quantization_config=BitsAndBytesConfig(load_in_8bit=True), device_map={"": 0}
)
model = prepare_model_for_kbit_training(model)
config = AdaLoraConfig(init_r=12, target_r=4, beta1=0.85, beta2=0.85, tinit=200, tfinal=1000, deltaT=10, lora_alpha=32,
                       lora_dropout=0.1, orth_reg_weight=0.5, total_step=5000,
                       target_modules=["k_proj", "q_proj", "v_proj", "out_proj", "fc1", "fc2"])
model = get_peft_model(model, config)
training_args = Seq2SeqTrainingArguments(
    output_dir="output", per_device_train_batch_size=8, learning_rate=1e-3, warmup_steps=50, num_train_epochs=3,
    save_strategy="steps", save_steps=1000, fp16=True, remove_unused_columns=False, label_names=["labels"])
trainer = Seq2SeqTrainer(args=training_args, model=model, train_dataset=CustomDataset("train.json", processor),
                         data_collator=DataCollatorSpeechSeq2SeqWithPadding(processor=processor),
                         callbacks=[Allocate()])
trainer.train()
model.save_pretrained("output/final")
