from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification


class Classifier:
    BLOCKS = ["query", "key", "value", "attention.output"]

    def __init__(self, labels):
        base = AutoModelForSequenceClassification.from_pretrained(
            "google-bert/bert-base-uncased", num_labels=labels
        )
        config = LoraConfig(r=16, lora_alpha=16, target_modules=self.BLOCKS, task_type="SEQ_CLS")
        self.model = get_peft_model(base, config)


Classifier(4).model.print_trainable_parameters()
