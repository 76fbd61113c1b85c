from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer


class Recipe:
    base = "meta-llama/Llama-3.2-3B"
    trained_whole = ["embed_tokens", "lm_head"]

    def adapter(self):
        return LoraConfig(
            r=32,
            lora_alpha=32,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            modules_to_save=self.trained_whole,
            task_type="CAUSAL_LM",
        )

    def train(self):
        trainer = SFTTrainer(
            AutoModelForCausalLM.from_pretrained(self.base, dtype="bfloat16"),
            args=SFTConfig("out", learning_rate=1e-4, max_length=1024),
            train_dataset=load_dataset("json", data_files="x.json", split="train"),
            peft_config=self.adapter(),
        )
        trainer.train()


Recipe().train()
