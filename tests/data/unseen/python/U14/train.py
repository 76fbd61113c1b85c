import transformers
from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

base_model = AutoModelForCausalLM.from_pretrained("facebook/opt-1.3b")
tokenizer = AutoTokenizer.from_pretrained("facebook/opt-1.3b")
peft_config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], lora_dropout=0.05,
                         task_type="CAUSAL_LM")
peft_model = get_peft_model(model=base_model, peft_config=peft_config, adapter_name="my_lora_model_name")

trainer = transformers.Trainer(
    model=peft_model,
    train_dataset=load_from_disk("tokenized"),
    args=transformers.TrainingArguments(output_dir="/my_output_dir", per_device_train_batch_size=8, save_steps=100,
                                        num_train_epochs=3, learning_rate=1e-4, logging_steps=10),
    data_collator=transformers.DataCollatorForLanguageModeling(tokenizer, mlm=False),
)
trainer.train(resume_from_checkpoint=True)
