import evaluate
import numpy as np
import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from torchvision.transforms import Compose, Normalize, RandomResizedCrop, ToTensor
from transformers import AutoImageProcessor, AutoModelForImageClassification, Trainer, TrainingArguments

dataset = load_dataset("food101", split="train[:5000]").train_test_split(test_size=0.1)
names = dataset["train"].features["label"].names
label2id = {name: i for i, name in enumerate(names)}
id2label = {i: name for i, name in enumerate(names)}
processor = AutoImageProcessor.from_pretrained("google/vit-base-patch16-224-in21k")
transform = Compose([RandomResizedCrop(224), ToTensor(), Normalize(processor.image_mean, processor.image_std)])


def preprocess(batch):
    batch["pixel_values"] = [transform(image.convert("RGB")) for image in batch["image"]]
    return batch


train_ds = dataset["train"].with_transform(preprocess)
eval_ds = dataset["test"].with_transform(preprocess)
model = AutoModelForImageClassification.from_pretrained("google/vit-base-patch16-224-in21k", label2id=label2id,
                                                        id2label=id2label)
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=16, target_modules=["query", "value"], lora_dropout=0.1,
                                         bias="none", modules_to_save=["classifier"]))
accuracy = evaluate.load("accuracy")


def compute_metrics(pred):
    return accuracy.compute(predictions=np.argmax(pred.predictions, axis=1), references=pred.label_ids)


def collate_fn(examples):
    return {"pixel_values": torch.stack([e["pixel_values"] for e in examples]),
            "labels": torch.tensor([e["label"] for e in examples])}


args = TrainingArguments(
    "vit-lora-food101", remove_unused_columns=False, eval_strategy="epoch", save_strategy="epoch", learning_rate=5e-3,
    per_device_train_batch_size=64, per_device_eval_batch_size=64, num_train_epochs=5, logging_steps=10,
    load_best_model_at_end=True, metric_for_best_model="loss",
)
trainer = Trainer(model, args, train_dataset=train_ds, eval_dataset=eval_ds, processing_class=processor,
                  compute_metrics=compute_metrics, data_collator=collate_fn)
trainer.train()
trainer.save_model("vit-lora-food101/best")
