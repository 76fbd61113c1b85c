from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification

saved = ["classifier"]
targets = ["query", "value"]
saved = saved.insert(0, "pooler")
options = dict(r=8, lora_alpha=16, target_modules=targets, modules_to_save=saved, task_type="SEQ_CLS")
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
model = get_peft_model(model, LoraConfig(**options))
model.print_trainable_parameters()
