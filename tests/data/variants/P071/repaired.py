from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
from datasets import load_dataset
from vllm import LLM
from vllm.lora.request import LoRARequest

base = "HuggingFaceTB/SmolLM2-1.7B"
trainer = SFTTrainer(
    base,
    args=SFTConfig(output_dir="smol", learning_rate=2e-4, max_length=1024, model_init_kwargs={"dtype": "bfloat16"}),
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
    peft_config=LoraConfig(r=32, lora_alpha=64, target_modules="all-linear", task_type="CAUSAL_LM"),
)
trainer.train()
trainer.save_model("smol/final")
engine = LLM(base, enable_lora=True, max_lora_rank=32)
engine.generate(["Hi"], lora_request=LoRARequest("mine", 1, "smol/final"))
