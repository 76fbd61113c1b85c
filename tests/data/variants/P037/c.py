from peft import LoraConfig, TaskType, get_peft_model
from transformers import Speech2TextForConditionalGeneration, Trainer, TrainingArguments

TASK = TaskType.SEQ_2_SEQ_LM


def adapted(checkpoint="facebook/s2t-small-librispeech-asr"):
    model = Speech2TextForConditionalGeneration.from_pretrained(checkpoint)
    return get_peft_model(
        model,
        LoraConfig(
            task_type=TASK,
            r=8,
            lora_alpha=16,
            target_modules=["q_proj", "v_proj"],
        ),
    )


def main(rows):
    args = TrainingArguments(output_dir="s2t", learning_rate=5e-4, num_train_epochs=2)
    trainer = Trainer(model=adapted(), args=args, train_dataset=rows)
    trainer.train()
    trainer.save_model("s2t")
