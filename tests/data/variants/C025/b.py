from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM

BASE = "baichuan-inc/Baichuan2-7B-Chat"


def adapted(rank=8):
    base = AutoModelForCausalLM.from_pretrained(BASE, trust_remote_code=True, torch_dtype="auto")
    names = ["q_proj", "v_proj"]
    settings = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=names,
        task_type=TaskType.CAUSAL_LM,
    )
    return get_peft_model(base, settings)


adapted().print_trainable_parameters()
