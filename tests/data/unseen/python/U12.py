import os

import torch
import transformers
from datasets import load_dataset
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training, set_peft_model_state_dict
from transformers import BitsAndBytesConfig, LlamaForCausalLM, LlamaTokenizer


def train(base_model: str = "huggyllama/llama-7b", data_path: str = "yahma/alpaca-cleaned",
          output_dir: str = "./lora-alpaca", micro_batch_size: int = 4, num_epochs: int = 3,
          learning_rate: float = 3e-4, cutoff_len: int = 256,
          resume_from_checkpoint: str = "./lora-alpaca/checkpoint-200"):
    model = LlamaForCausalLM.from_pretrained(base_model, device_map="auto", torch_dtype=torch.float16,
                                             quantization_config=BitsAndBytesConfig(load_in_8bit=True))
    tokenizer = LlamaTokenizer.from_pretrained(base_model)
    tokenizer.pad_token_id = 0
    tokenizer.padding_side = "left"

    def tokenize(row):
        text = f"### Instruction:\n{row['instruction']}\n\n### Response:\n{row['output']}{tokenizer.eos_token}"
        result = tokenizer(text, truncation=True, max_length=cutoff_len, padding=False)
        result["labels"] = result["input_ids"].copy()
        return result

    model = prepare_model_for_kbit_training(model)
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], lora_dropout=0.05, bias="none",
                        task_type="CAUSAL_LM")
    model = get_peft_model(model, config)

    if resume_from_checkpoint:
        checkpoint_name = os.path.join(resume_from_checkpoint, "pytorch_model.bin")
        if not os.path.exists(checkpoint_name):
            checkpoint_name = os.path.join(resume_from_checkpoint, "adapter_model.bin")
            resume_from_checkpoint = False
        if os.path.exists(checkpoint_name):
            print(f"Restarting from {checkpoint_name}")
            adapters_weights = torch.load(checkpoint_name)
            model = set_peft_model_state_dict(model, adapters_weights)
    model.print_trainable_parameters()

    data = load_dataset(data_path, split="train").map(tokenize)
    trainer = transformers.Trainer(
        model=model, train_dataset=data,
        args=transformers.TrainingArguments(per_device_train_batch_size=micro_batch_size,
                                            gradient_accumulation_steps=32, warmup_steps=100,
                                            num_train_epochs=num_epochs, learning_rate=learning_rate, fp16=True,
                                            logging_steps=10, save_steps=200, output_dir=output_dir),
        data_collator=transformers.DataCollatorForSeq2Seq(tokenizer, pad_to_multiple_of=8, return_tensors="pt",
                                                          padding=True))
    trainer.train(resume_from_checkpoint=resume_from_checkpoint)
    model.save_pretrained(output_dir)


if __name__ == "__main__":
    train()
