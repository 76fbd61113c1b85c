from datasets import load_dataset
from trl import SFTConfig, SFTTrainer
from unsloth import FastLanguageModel
from unsloth.chat_templates import get_chat_template, train_on_responses_only


class Tuner:
    name = "unsloth/Llama-3.2-3B-Instruct"
    template = {"chat_template": "gemma-3", "mapping": {"role": "from", "content": "value", "user": "human", "assistant": "gpt"}}

    def __init__(self):
        self.model, tokenizer = FastLanguageModel.from_pretrained(self.name, max_seq_length=2048)
        self.tokenizer = get_chat_template(tokenizer, chat_template=self.template["chat_template"], mapping=self.template["mapping"])
        self.model = FastLanguageModel.get_peft_model(self.model, r=16, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])

    def texts(self, rows):
        return {"text": [self.tokenizer.apply_chat_template(talk, tokenize=False) for talk in rows["conversations"]]}

    def train(self):
        data = load_dataset("mlabonne/FineTome-100k", split="train").map(self.texts, batched=True)
        args = SFTConfig(output_dir="tome", max_steps=100, learning_rate=2e-4)
        trainer = SFTTrainer(model=self.model, processing_class=self.tokenizer, train_dataset=data, args=args)
        train_on_responses_only(trainer, "<start_of_turn>user\n", "<start_of_turn>model\n").train()


Tuner().train()
