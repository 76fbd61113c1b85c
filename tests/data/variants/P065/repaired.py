from peft import LoraConfig, TaskType, get_peft_model
from transformers import GPT2LMHeadModel

PATTERNS = ("attn.c_attn", "mlp.c_fc")
options = {"r": 8, "lora_alpha": 16, "task_type": TaskType.CAUSAL_LM, "target_modules": list(PATTERNS)}
model = get_peft_model(GPT2LMHeadModel.from_pretrained("gpt2"), LoraConfig(**options))
