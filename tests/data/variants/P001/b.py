from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM, LlamaTokenizer, TrainingArguments
from trl import SFTTrainer

TEMPLATE = "### Human: {question}\n### Assistant: {answer}</s>"


class Chat:
    path = "NousResearch/Llama-2-13b-hf"

    def __init__(self):
        self.tokenizer = LlamaTokenizer.from_pretrained(self.path)
        self.tokenizer.add_special_tokens({"pad_token": self.tokenizer.eos_token})
        base = LlamaForCausalLM.from_pretrained(self.path, load_in_8bit=True, device_map="auto")
        self.model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))

    def write(self, rows):
        return [TEMPLATE.format(question=q, answer=a) for q, a in zip(rows["question"], rows["answer"])]

    def train(self):
        SFTTrainer(
            model=self.model,
            tokenizer=self.tokenizer,
            train_dataset=load_dataset("csv", data_files="chat.csv", split="train"),
            formatting_func=self.write,
            max_seq_length=512,
            args=TrainingArguments("chat", learning_rate=2e-4, num_train_epochs=3, per_device_train_batch_size=4),
        ).train()


Chat().train()
