import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from trl import DPOConfig, DPOTrainer


def load(name):
    return AutoModelForCausalLM.from_pretrained(
        name, torch_dtype=torch.bfloat16,
        quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4",
                                               bnb_4bit_compute_dtype=torch.bfloat16))


def main():
    sft = "alignment-handbook/zephyr-7b-sft-qlora"
    tokenizer = AutoTokenizer.from_pretrained(sft)
    model = load("mistralai/Mistral-7B-v0.1")
    ref_model = load("mistralai/Mistral-7B-v0.1")
    raw = load_dataset("HuggingFaceH4/ultrafeedback_binarized", split="train_prefs")
    peft_config = LoraConfig(r=128, lora_alpha=128, lora_dropout=0.05, task_type="CAUSAL_LM",
                             target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    args = DPOConfig(output_dir="zephyr-7b-dpo-qlora", beta=0.01, learning_rate=5e-6, bf16=True, num_train_epochs=1,
                     per_device_train_batch_size=4, gradient_accumulation_steps=4, gradient_checkpointing=True)
    trainer = DPOTrainer(model, ref_model, args=args, train_dataset=raw, processing_class=tokenizer,
                         peft_config=peft_config)
    trainer.train()
    trainer.save_model(args.output_dir)


if __name__ == "__main__":
    main()
