import transformers
from peft import LoraConfig


class Speech:
    def __init__(self):
        self.model = transformers.Wav2Vec2ForCTC.from_pretrained("facebook/wav2vec2-large-xlsr-53")
        self.model.add_adapter(LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"]))
        self.args = transformers.TrainingArguments(
            output_dir="speech", learning_rate=3e-4, max_steps=4000, save_steps=400
        )

    def fit(self, rows, collate):
        trainer = transformers.Trainer(
            model=self.model, args=self.args, train_dataset=rows, data_collator=collate
        )
        trainer.train(resume_from_checkpoint=True)


Speech().fit(load(), pad)
