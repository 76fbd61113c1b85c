from peft import LoraConfig, get_peft_model
from transformers import AutoModel

model = AutoModel.from_pretrained("google/electra-large-discriminator")
config = LoraConfig(r=64, lora_alpha=128, lora_dropout=0.1, bias="none",
                    target_modules=["query", "value", "attention.output.dense", "intermediate.dense", "output.dense"])
model = get_peft_model(model, config)
model.print_trainable_parameters()
