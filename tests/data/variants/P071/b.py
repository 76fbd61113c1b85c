from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
from datasets import load_dataset
from vllm import LLM
from vllm.lora.request import LoRARequest


class Serve:
    def __init__(self, base, adapter):
        options = dict(enable_lora=True, max_loras=2, max_model_len=4096)
        self.engine = LLM(base, **options)
        self.adapter = LoRARequest("mine", 1, adapter)

    def __call__(self, text):
        return self.engine.generate([text], lora_request=self.adapter)


lora = LoraConfig(r=32, lora_alpha=64, target_modules="all-linear", task_type="CAUSAL_LM")
trainer = SFTTrainer(
    "HuggingFaceTB/SmolLM2-1.7B",
    args=SFTConfig(output_dir="smol", learning_rate=2e-4, max_length=1024, model_init_kwargs={"dtype": "bfloat16"}),
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
    peft_config=lora,
)
trainer.train()
trainer.save_model("smol/final")
Serve("HuggingFaceTB/SmolLM2-1.7B", "smol/final")("Hi")
