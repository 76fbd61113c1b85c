import argparse

from peft import LoraConfig, get_peft_model
from transformers import BertForSequenceClassification

parser = argparse.ArgumentParser()
parser.add_argument("--r", type=int, default=8)
flags = parser.parse_args()
classifier = BertForSequenceClassification.from_pretrained("google-bert/bert-base-uncased")
peft_model = get_peft_model(
    classifier,
    LoraConfig(
        r=flags.r, lora_alpha=16, lora_dropout=0.1, task_type="SEQ_CLS",
        target_modules=r"bert\.encoder\.layer\.\d+\.attention\.(self|output)",
    ),
)
