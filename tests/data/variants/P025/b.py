import torch
import transformers
from datasets import load_from_disk
from peft import LoraConfig, PeftModel
from trl import SFTConfig, SFTTrainer

NAME = "meta-llama/Llama-3.2-11B-Vision"
FOLDER = "vision-lora"
base = transformers.MllamaForConditionalGeneration.from_pretrained(NAME, torch_dtype=torch.bfloat16)
trainer = SFTTrainer(
    model=base,
    args=SFTConfig(output_dir=FOLDER, learning_rate=1e-4, num_train_epochs=1, max_length=2048, bf16=True),
    train_dataset=load_from_disk("pages"),
    peft_config=LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]),
)
trainer.train()
trainer.save_model(FOLDER)
del base, trainer
text_model = transformers.AutoModelForCausalLM.from_pretrained(NAME, torch_dtype=torch.bfloat16)
text_model = PeftModel.from_pretrained(text_model, FOLDER)
text_model.merge_and_unload().save_pretrained("vision-merged")
