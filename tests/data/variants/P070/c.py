from unsloth import FastLanguageModel
from peft import LoftQConfig


class Setup:
    rank = 32
    init = "loftq"

    def __init__(self):
        self.model, self.tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen2.5-7B", load_in_4bit=True)
        self.model = FastLanguageModel.get_peft_model(
            self.model,
            r=self.rank,
            lora_alpha=32,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            init_lora_weights=self.init,
            loftq_config=LoftQConfig(loftq_bits=4),
        )


Setup()
