from datasets import load_dataset
from peft import LoraConfig
from trl import DPOConfig, DPOTrainer
from vllm import LLM
from vllm.lora.request import LoRARequest

BASE = "meta-llama/Llama-3.1-8B-Instruct"
trainer = DPOTrainer(
    BASE,
    args=DPOConfig("dpo", learning_rate=1e-5, model_init_kwargs={"dtype": "bfloat16"}),
    train_dataset=load_dataset("trl-lib/ultrafeedback_binarized", split="train"),
    peft_config=LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear"),
)
trainer.train()
trainer.save_model("dpo/final")
engine = LLM(model=BASE, enable_lora=True, max_lora_rank=16)
engine.chat([[{"role": "user", "content": "Hi"}]], lora_request=LoRARequest("dpo", 1, "dpo/final"))
