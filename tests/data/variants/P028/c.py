import transformers
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from trl import DataCollatorForCompletionOnlyLM

START = "Context: "
ANSWER = "\n" + "Summary: "


def collator_for(tokenizer):
    return DataCollatorForCompletionOnlyLM(response_template=ANSWER, instruction_template=START, tokenizer=tokenizer)


def main(name="meta-llama/Llama-3.2-1B"):
    tokenizer = transformers.AutoTokenizer.from_pretrained(name)
    tokenizer.pad_token = "<|finetune_right_pad_id|>"
    data = load_dataset("EdinburghNLP/xsum", split="train")
    data = data.map(lambda row: tokenizer(f"{START}{row['document']}{ANSWER}{row['summary']}", truncation=True, max_length=1024))
    model = transformers.AutoModelForCausalLM.from_pretrained(name)
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    args = transformers.TrainingArguments("xsum", learning_rate=1e-4, max_steps=1000, per_device_train_batch_size=4)
    transformers.Trainer(model=model, args=args, train_dataset=data, data_collator=collator_for(tokenizer)).train()


main()
