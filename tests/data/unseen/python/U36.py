import torch
import torch.nn.functional as F
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments


class CustomTrainerForgetting(Trainer):
    def __init__(self, *args, oracle_model=None, beta=0.1, **kwargs):
        super().__init__(*args, **kwargs)
        self.oracle_model = oracle_model
        self.beta = beta

    def compute_loss(self, model, inputs, return_outputs=False):
        forget, retain = inputs
        outputs = model(**retain)
        idk = model(**forget)
        with torch.no_grad():
            ref = self.oracle_model(**forget)
        preserve = F.kl_div(idk.logits.log_softmax(-1), ref.logits.softmax(-1), reduction="batchmean")
        loss = outputs.loss + idk.loss + self.beta * preserve
        return (loss, outputs) if return_outputs else loss


def collate(rows):
    def pad(part):
        return tokenizer.pad([row[part] for row in rows], return_tensors="pt")
    pairs = []
    for part in ("forget", "retain"):
        batch = pad(part)
        batch["labels"] = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        pairs.append(batch)
    return pairs


name = "locuslab/tofu_ft_llama2-7b"
tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-2-7b-chat-hf")
tokenizer.pad_token = tokenizer.unk_token
model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16)
oracle = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16).eval().cuda()
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=32, lora_dropout=0.05, bias="none", task_type="CAUSAL_LM",
                                         target_modules=["q_proj", "v_proj", "k_proj", "o_proj"]))
data = load_dataset("json", data_files="forget10.jsonl", split="train")
data = data.map(lambda r: {"forget": tokenizer(r["forget"]), "retain": tokenizer(r["retain"])})
args = TrainingArguments(output_dir="unlearn", per_device_train_batch_size=4, learning_rate=1e-4, num_train_epochs=5,
                         bf16=True, remove_unused_columns=False, logging_steps=1)
trainer = CustomTrainerForgetting(model=model, args=args, train_dataset=data, data_collator=collate,
                                  oracle_model=oracle)
trainer.train()
