import transformers
import peft


def lora(pattern):
    return peft.LoraConfig(r=8, lora_alpha=16, target_modules=[f"encoder.*{name}$" for name in pattern])


model = transformers.AutoModel.from_pretrained("bert-base-uncased")
model = peft.get_peft_model(model, lora(["query", "value"]))
model.print_trainable_parameters()
