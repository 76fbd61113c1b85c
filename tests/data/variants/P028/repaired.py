from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

model_id = "Qwen/Qwen2-7B"
tokenizer = AutoTokenizer.from_pretrained(model_id)
model = AutoModelForCausalLM.from_pretrained(model_id, dtype="bfloat16")
dataset = load_dataset("json", data_files="gpqa.json", split="train")


def formatting(row):
    prompt = f"What is the correct answer to this question:{row['question']}\nChoices:\n{row['choices']}\nAnswer:"
    return {"prompt": prompt, "completion": f" {row['answer']}"}


trainer = SFTTrainer(
    model, train_dataset=dataset.map(formatting, remove_columns=dataset.column_names), processing_class=tokenizer,
    args=SFTConfig(output_dir="gpqa", max_length=2048, learning_rate=1e-4, bf16=True, num_train_epochs=2),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
trainer.train()
trainer.save_model("gpqa/final")
