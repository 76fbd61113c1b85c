import torch
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, Trainer, TrainingArguments

base = "meta-llama/Llama-2-7b-hf"
tokenizer = AutoTokenizer.from_pretrained(base)
tokenizer.add_tokens([f"<hu_{i}>" for i in range(1004)])
bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
model = AutoModelForCausalLM.from_pretrained(base, quantization_config=bnb, device_map={"": 0})
model.resize_token_embeddings(len(tokenizer))

lora_alpha = 32
lora_dropout = 0.05
lora_r = 16
target_modules = ["o_proj", "v_proj", "gate_proj", "q_proj", "k_proj", "up_proj", "down_proj"]
peft_config = LoraConfig(lora_alpha=lora_alpha, lora_dropout=lora_dropout, r=lora_r, target_modules=target_modules,
                         bias="none", modules_to_save=["lm_head", "embed_tokens"], task_type="CAUSAL_LM")
model = prepare_model_for_kbit_training(model)
model = get_peft_model(model, peft_config)
model.print_trainable_parameters()
training_args = TrainingArguments(output_dir="hubert-llama", per_device_train_batch_size=4, learning_rate=2e-4,
                                  num_train_epochs=5, bf16=True, optim="paged_adamw_32bit")
trainer = Trainer(model=model, processing_class=tokenizer, args=training_args, train_dataset=torch.load("train.pt"),
                  eval_dataset=torch.load("val.pt"))
trainer.train()

# later
base_model = AutoModelForCausalLM.from_pretrained(base, torch_dtype=torch.bfloat16, device_map="auto")
base_model.resize_token_embeddings(len(tokenizer))
model = PeftModel.from_pretrained(base_model, "hubert-llama/checkpoint-500")
