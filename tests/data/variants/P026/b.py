import evaluate
from peft import LoraConfig
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

from mine import rows

METRIC = evaluate.load("accuracy")


class Tuning:
    def __init__(self, base: str):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.arguments = SFTConfig(
            "smol",
            learning_rate=1e-4,
            num_train_epochs=2,
            max_length=512,
            model_init_kwargs={"dtype": "bfloat16"},
        )
        self.trainer = SFTTrainer(
            base,
            args=self.arguments,
            processing_class=self.tokenizer,
            train_dataset=rows("train"),
            eval_dataset=rows("validation"),
            compute_metrics=lambda p: METRIC.compute(
                predictions=p.predictions.argmax(-1).ravel(), references=p.label_ids.ravel()
            ),
            peft_config=LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"),
        )

    def run(self):
        self.trainer.train()
        print(self.trainer.evaluate())


Tuning("HuggingFaceTB/SmolLM2-360M").run()
