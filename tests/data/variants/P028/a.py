from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainingArguments
from trl import SFTTrainer
from trl.trainer import DataCollatorForCompletionOnlyLM


class Tutor:
    marker = "### Response: "

    def __init__(self, base="mistralai/Mistral-7B-v0.3"):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        model = AutoModelForCausalLM.from_pretrained(base, torch_dtype="bfloat16")
        self.model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))

    def text(self, row):
        return f"### Task: {row['task']}\n{self.marker}{row['solution']}"

    def fit(self):
        collator = DataCollatorForCompletionOnlyLM(tokenizer=self.tokenizer, response_template=self.marker, mlm=False)
        SFTTrainer(
            model=self.model,
            args=TrainingArguments("tutor", learning_rate=1e-4, num_train_epochs=1, bf16=True),
            train_dataset=load_dataset("json", data_files="tasks.jsonl", split="train"),
            formatting_func=self.text,
            data_collator=collator,
        ).train()


Tutor().fit()
