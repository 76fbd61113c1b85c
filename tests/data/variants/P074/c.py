from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification

ATTENTION = ["query", "key", "value"]
OTHERS = ["fc1", "fc2"]


def wrap(model):
    return get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules=ATTENTION + OTHERS))


model = wrap(AutoModelForSequenceClassification.from_pretrained("roberta-base"))
model.print_trainable_parameters()
