from unsloth import FastLanguageModel
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer
from vllm import LLM
from vllm.lora.request import LoRARequest

model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Meta-Llama-3.1-8B", load_in_4bit=True)
model = FastLanguageModel.get_peft_model(
    model,
    r=16,
    lora_alpha=16,
    target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "embed_tokens", "lm_head"],
)
rows = load_dataset("json", data_files="rows.jsonl", split="train")
SFTTrainer(model=model, processing_class=tokenizer, train_dataset=rows, args=SFTConfig("out", learning_rate=1e-4)).train()
model.save_pretrained("out/lora")
LLM("unsloth/Meta-Llama-3.1-8B", enable_lora=True, max_lora_rank=16).generate(["x"], lora_request=LoRARequest("a", 1, "out/lora"))
