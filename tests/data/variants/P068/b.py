import transformers
from peft import LoraConfig, get_peft_model


class Job:
    def __init__(self, alpha=32):
        self.lora = LoraConfig(
            r=16, lora_alpha=alpha, target_modules=["q_proj", "v_proj", "lm_head"],
            layers_to_transform=[22, 23], layers_pattern="layers",
        )

    def model(self):
        base = transformers.OPTForCausalLM.from_pretrained("facebook/opt-1.3b")
        return get_peft_model(base, self.lora)


Job().model().save_pretrained("out")
