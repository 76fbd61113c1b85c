"""The four mistakes that the user's brief names, in every kind of file that it names.

Each text is sound but for one mistake; no flag is needed to see it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Recipe(NamedTuple):
    """What a text is written for."""

    r: int = 16
    alpha: int = 32
    dropout: float = 0.0
    model: str = "Qwen/Qwen2.5-0.5B"
    declared: tuple[str, ...] = ()
    """The lines of ``# lora-lint:`` comments."""


class Mistake(NamedTuple):
    """One of the four."""

    code: str
    severity: str
    recipe: Recipe
    gpu: str = "NVIDIA H200, 143771 MiB"
    """The card that the launcher sees."""


RTX_3060 = "NVIDIA GeForce RTX 3060, 12288 MiB"
LLAMA = "meta-llama/Llama-3.1-8B"
MISTAKES: Mapping[str, Mistake] = {
    "ratio": Mistake("LL102", "warning", Recipe(r=8, alpha=64)),
    "tiny-data": Mistake(
        "LL201", "warning", Recipe(r=128, alpha=256, declared=("train-rows=600",))
    ),
    "dropout": Mistake("LL301", "warning", Recipe(r=4, alpha=8, dropout=0.1)),
    "memory": Mistake(
        "LL601",
        "error",
        Recipe(model=LLAMA, declared=("gpu=RTX 3060", "gpu-count=1")),
        gpu=RTX_3060,
    ),
}
SOUND = Recipe(declared=("gpu=RTX 4090", "train-rows=50000"))


def _declared(recipe: Recipe) -> str:
    return "".join(f"# lora-lint: {each}\n" for each in recipe.declared)


def python(recipe: Recipe) -> str:
    """A script with TRL."""
    return f"""{_declared(recipe)}import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

model = AutoModelForCausalLM.from_pretrained("{recipe.model}", dtype=torch.bfloat16)
lora = LoraConfig(
    r={recipe.r},
    lora_alpha={recipe.alpha},
    lora_dropout={recipe.dropout},
    target_modules="all-linear",
    task_type="CAUSAL_LM",
)
args = SFTConfig(
    output_dir="out", learning_rate=1e-4, num_train_epochs=1, max_length=1024, bf16=True
)
data = load_dataset("trl-lib/Capybara", split="train")
trainer = SFTTrainer(model=model, args=args, train_dataset=data, peft_config=lora)
trainer.train()
"""


def notebook(recipe: Recipe) -> str:
    """The script in two cells."""
    text = python(recipe)
    at = text.index("lora = ")
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": one}
        for one in (text[:at], text[at:])
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def axolotl(recipe: Recipe) -> str:
    """A file of axolotl."""
    return f"""{_declared(recipe)}base_model: {recipe.model}
adapter: lora
lora_r: {recipe.r}
lora_alpha: {recipe.alpha}
lora_dropout: {recipe.dropout}
lora_target_linear: true
datasets: [{{path: mhenrichsen/alpaca_2k_test, type: alpaca}}]
val_set_size: 0.05
sequence_len: 1024
sample_packing: true
attn_implementation: flash_attention_2
micro_batch_size: 1
gradient_accumulation_steps: 8
num_epochs: 1
optimizer: adamw_torch_fused
learning_rate: 1.0e-4
bf16: true
gradient_checkpointing: true
evals_per_epoch: 2
output_dir: ./out
"""


def llamafactory(recipe: Recipe) -> str:
    """A file of LLaMA-Factory."""
    return f"""{_declared(recipe)}model_name_or_path: {recipe.model}
stage: sft
do_train: true
finetuning_type: lora
lora_rank: {recipe.r}
lora_alpha: {recipe.alpha}
lora_dropout: {recipe.dropout}
lora_target: all
dataset: identity,alpaca_en_demo
template: qwen
cutoff_len: 1024
output_dir: out
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 1.0
lr_scheduler_type: cosine
bf16: true
val_size: 0.05
eval_strategy: epoch
"""


def trl(recipe: Recipe) -> str:
    """A file for TRL's scripts."""
    return f"""{_declared(recipe)}model_name_or_path: {recipe.model}
dtype: bfloat16
dataset_name: trl-lib/Capybara
use_peft: true
lora_r: {recipe.r}
lora_alpha: {recipe.alpha}
lora_dropout: {recipe.dropout}
lora_target_modules: all-linear
learning_rate: 1.0e-4
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
num_train_epochs: 1
max_length: 1024
bf16: true
output_dir: out
"""


def shell(recipe: Recipe) -> str:
    """A command for TRL's scripts."""
    return f"""#!/bin/bash
{_declared(recipe)}accelerate launch --num_processes 1 -m trl.scripts.sft \\
  --model_name_or_path {recipe.model} --dtype bfloat16 \\
  --dataset_name trl-lib/Capybara --use_peft \\
  --lora_r {recipe.r} --lora_alpha {recipe.alpha} --lora_dropout {recipe.dropout} \\
  --lora_target_modules all-linear --learning_rate 1.0e-4 \\
  --per_device_train_batch_size 1 --gradient_accumulation_steps 8 \\
  --num_train_epochs 1 --max_length 1024 --bf16 --output_dir out
"""


KINDS: Mapping[str, tuple[str, Callable[[Recipe], str]]] = {
    "python": (".py", python),
    "notebook": (".ipynb", notebook),
    "axolotl": (".yaml", axolotl),
    "llamafactory": (".yaml", llamafactory),
    "trl": (".yaml", trl),
    "shell": (".sh", shell),
}
"""Of each kind of file: its ending, and who writes it."""


def files() -> dict[str, tuple[str, Mistake | None]]:
    """The name of every file with its text and its mistake; ``None`` in the sound ones."""
    made: dict[str, tuple[str, Mistake | None]] = {}
    for kind, (ending, write) in KINDS.items():
        made[f"{kind}-sound{ending}"] = (write(SOUND), None)
        for name, mistake in MISTAKES.items():
            made[f"{kind}-{name}{ending}"] = (write(mistake.recipe), mistake)
    return made
