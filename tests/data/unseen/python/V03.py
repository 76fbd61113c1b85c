from vllm import LLM, SamplingParams
from vllm.lora.request import LoRARequest
from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

peft_config = LoraConfig(r=64, lora_alpha=128, target_modules="all-linear", task_type="CAUSAL_LM")
trainer = SFTTrainer(model="meta-llama/Llama-3.2-3B-Instruct", peft_config=peft_config,
                     args=SFTConfig(output_dir="llama-lora", learning_rate=2e-4, num_train_epochs=1, max_length=2048,
                                    per_device_train_batch_size=4, bf16=True),
                     train_dataset=load_dataset("trl-lib/Capybara", split="train"))
trainer.train()
trainer.save_model("llama-lora/final")
del trainer

llm = LLM(model="meta-llama/Llama-3.2-3B-Instruct", enable_lora=True)
prompts = ["Write a haiku about rain.", "What is the capital of Peru?"]
for out in llm.generate(prompts, SamplingParams(max_tokens=128),
                        lora_request=LoRARequest("mine", 1, "llama-lora/final")):
    print(out.outputs[0].text)
