from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

rows = []
for i in range(64):
    rows.append({
        "prompt": "You are an assistant that is good with numbers. Please read the question number "
                  f"{i} below with care, think about it step by step, and give the sum. What is {i} plus {i}?",
        "completion": f" The sum is {2 * i}.",
    })
train = Dataset.from_list(rows)

args = SFTConfig(output_dir="pythia-sums", max_length=16, completion_only_loss=True, packing=False,
                 num_train_epochs=1, per_device_train_batch_size=8, learning_rate=5e-5, logging_steps=1,
                 report_to="none")
trainer = SFTTrainer(model="EleutherAI/pythia-160m", args=args, train_dataset=train,
                     peft_config=LoraConfig(r=8, lora_alpha=16, target_modules=["query_key_value"],
                                            task_type="CAUSAL_LM"))
trainer.train()
