import torch
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer


class Run:
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type=TaskType.CAUSAL_LM)

    def __init__(self, name):
        bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
        model = AutoModelForCausalLM.from_pretrained(name, quantization_config=bits)
        self.model = get_peft_model(prepare_model_for_kbit_training(model), self.lora)

    def train(self, rows):
        arguments = SFTConfig(output_dir="out", learning_rate=2e-4, max_length=1024, bf16=True)
        trainer = SFTTrainer(self.model, args=arguments, train_dataset=rows, peft_config=self.lora)
        trainer.train()
        self.model.save_pretrained("out/adapter")


Run("mistralai/Mistral-7B-v0.3").train(load_dataset("json", data_files="chats.jsonl", split="train"))
