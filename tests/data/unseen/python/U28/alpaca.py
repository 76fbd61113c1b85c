import transformers
from datasets import load_dataset
from peft import LoraConfig
from trl import SFTTrainer

dataset = load_dataset("tatsu-lab/alpaca", split="train")
model = transformers.AutoModelForCausalLM.from_pretrained("facebook/opt-350m")
tokenizer = transformers.AutoTokenizer.from_pretrained("facebook/opt-350m")


def formatting_prompts_func(example):
    if len(example["input"]) >= 2:
        text = f"""Below is an instruction that describes a task, paired with an input.

### Instruction:
{example['instruction']}

### Input:
{example['input']}

### Response:
{example['output']}
"""
    else:
        text = f"""Below is an instruction that describes a task.

### Instruction:
{example['instruction']}

### Response:
{example['output']}
"""
    return text


trainer = SFTTrainer(
    model,
    tokenizer=tokenizer,
    train_dataset=dataset,
    formatting_func=formatting_prompts_func,
    max_seq_length=512,
    packing=False,
    peft_config=LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, task_type="CAUSAL_LM"),
    args=transformers.TrainingArguments(output_dir="alpaca-opt", per_device_train_batch_size=8, num_train_epochs=3,
                                        learning_rate=2e-5, logging_steps=10),
)
trainer.train()
