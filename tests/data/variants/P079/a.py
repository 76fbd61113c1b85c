from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

BLOCKS = ["attention.self", "intermediate", "output"]


def classifier(name="google-bert/bert-base-uncased"):
    base = AutoModelForSequenceClassification.from_pretrained(name, num_labels=4)
    config = LoraConfig(task_type=TaskType.SEQ_CLS, r=16, lora_alpha=16, target_modules=BLOCKS)
    return get_peft_model(base, config)


args = TrainingArguments("news", learning_rate=2e-4, num_train_epochs=3)
Trainer(model=classifier(), args=args, train_dataset=load()).train()
