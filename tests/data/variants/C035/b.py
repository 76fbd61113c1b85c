import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer


def build(name="google/gemma-2-2b", rank=32):
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.add_tokens(["<step>", "</step>"])
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16)
    model.resize_token_embeddings(len(tokenizer))
    ends = ["embed_tokens", "lm_head"]
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        modules_to_save=ends,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config), tokenizer


model, tokenizer = build()
