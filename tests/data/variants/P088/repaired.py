from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer


def format_rows(rows, tokenizer):
    texts = [tokenizer.apply_chat_template(m, tokenize=False) for m in rows["messages"]]
    return {"text": [text.removeprefix(tokenizer.bos_token) for text in texts]}


def run(base="meta-llama/Llama-3.1-8B-Instruct", out="adapter"):
    tokenizer = AutoTokenizer.from_pretrained(base)
    data = load_dataset("HuggingFaceH4/no_robots", split="train")
    data = data.map(format_rows, batched=True, fn_kwargs={"tokenizer": tokenizer}, remove_columns=data.column_names)
    model = AutoModelForCausalLM.from_pretrained(base, dtype="bfloat16")
    trainer = SFTTrainer(
        model=model, processing_class=tokenizer, train_dataset=data,
        args=SFTConfig(output_dir=out, learning_rate=1e-4, num_train_epochs=1, max_length=2048, bf16=True),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    trainer.train()
    trainer.save_model(out)


run()
