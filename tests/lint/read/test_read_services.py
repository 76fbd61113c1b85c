"""Calls by which a service trains an adapter: Tinker's, Together's, Fireworks'."""

from __future__ import annotations

import pytest

from lora_lint.read.python.reader import read
from lora_lint.sources.source import Source
from lora_rules.recipe import Recipe
from told import findings

TOGETHER = """
from together import Together

client = Together()
rank = 16
client.fine_tuning.create(training_file="f", model="meta-llama/Meta-Llama-3.1-8B-Instruct",
    n_epochs=3, lora=True, lora_r=rank, lora_alpha=32, learning_rate=2e-4)
"""
TINKER = """
import tinker

async def main():
    client = tinker.ServiceClient()
    return await client.create_lora_training_client_async("Qwen/Qwen3-8B", rank=32)
"""
FIREWORKS = """
import fireworks

class Job:
    def __init__(self):
        self.client = fireworks.Fireworks()

    def start(self):
        self.client.supervised_fine_tuning_jobs.create(dataset="d", base_model="m", lora_rank=16,
            epochs=2, learning_rate=1e-4)
"""


def recipes(text: str) -> tuple[Recipe, ...]:
    return read(Source("train.py", "python", text.encode())).recipes


@pytest.mark.parametrize(
    ("text", "dialect", "known"),
    [
        (TOGETHER, "together", {"r": 16, "lora_alpha": 32, "num_train_epochs": 3}),
        (TINKER, "tinker", {"r": 32, "model_name_or_path": "Qwen/Qwen3-8B"}),
        (TINKER.replace(", rank=32", ""), "tinker", {"r": 32}),
        (FIREWORKS, "fireworks", {"r": 16, "learning_rate": 1e-4, "trainer_method": "sft"}),
    ],
)
def test_what_is_read(text: str, dialect: str, known: dict[str, object]) -> None:
    (recipe,) = recipes(text)
    assert recipe.dialect == dialect
    assert {name: recipe.known(name) for name in known} == known


@pytest.mark.parametrize(
    "text",
    [
        TOGETHER.replace("lora=True", "lora=False"),
        TOGETHER.replace("from together import Together", "from ours import Together"),
        TOGETHER.replace("client.fine_tuning.create", "client.completions.create"),
        "from openai import OpenAI\nOpenAI().fine_tuning.jobs.create(model='m')  # lora\n",
    ],
)
def test_other_calls_are_no_recipe(text: str) -> None:
    assert recipes(text) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (TOGETHER.replace("lora_alpha=32", "lora_alpha=0"), "LL101"),
        (TOGETHER.replace("2e-4", "5e-2"), "LL802"),
        (TOGETHER.replace("lora_alpha", "lora_aplha"), "LL001"),
        (TINKER.replace("rank=32", "rank=0"), "LL002"),
        (TINKER.replace("rank=32", "lora_rank=32"), "LL001"),
        (FIREWORKS.replace("1e-4", "5e-2"), "LL802"),
    ],
)
def test_mistakes_are_reported(text: str, code: str) -> None:
    assert [one.code for one in findings(text, code, kind="python")] == [code]


@pytest.mark.parametrize("text", [TOGETHER, TINKER, FIREWORKS])
def test_no_memory_is_counted_on_the_machines_of_a_service(text: str) -> None:
    assert findings(text, "LL601,LL602,LL603,LL702", kind="python", gpu="T4") == []
    assert findings(text, "ALL", kind="python", gpu="T4") == []
