import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import MllamaForConditionalGeneration, Trainer, TrainingArguments

model_name = "meta-llama/Llama-3.2-11B-Vision-Instruct"
lora_path = "llama-vision-lora"


def train(rows):
    model = MllamaForConditionalGeneration.from_pretrained(model_name, device_map="auto", torch_dtype=torch.bfloat16)
    config = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.05, target_modules=r".*language_model.*(q_proj|v_proj)", use_dora=True,
                        task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    args = TrainingArguments(output_dir=lora_path, per_device_train_batch_size=1, learning_rate=1e-4, bf16=True)
    Trainer(model=model, args=args, train_dataset=rows).train()
    model.save_pretrained(lora_path)


class Answerer:
    def __init__(self):
        self.model_name = model_name
        self.lora_path = lora_path
        self.model = MllamaForConditionalGeneration.from_pretrained(
            self.model_name, device_map="auto", torch_dtype=torch.float16)
        self.model = PeftModel.from_pretrained(self.model, self.lora_path)
        self.model.eval()
