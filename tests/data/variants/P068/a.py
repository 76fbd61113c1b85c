from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM

LAYERS = list(range(24, 32))
TARGETS = ["q_proj", "v_proj", "embed_tokens"]


def adapt(path="mistralai/Mistral-7B-v0.1"):
    model = AutoModelForCausalLM.from_pretrained(path)
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=8,
        lora_alpha=16,
        layers_to_transform=LAYERS,
        target_modules=TARGETS,
    )
    return get_peft_model(model, config)


adapt().print_trainable_parameters()
