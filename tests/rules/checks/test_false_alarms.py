"""What public repositories showed to be false alarms, each with its mechanism, stays silent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import Finding
from lora_lint.sources.discover import load

LOADS_IN_8_BIT = """\
from peft import LoraConfig
from transformers import AutoModelForCausalLM

lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
model = AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)
"""
COMMIT = "0dcb46e7a4a9e587ba84ff35778ab4233a184c11"
SOURCE = "git+https://github.com/huggingface/transformers"


def found(path: Path, text: str) -> list[Finding]:
    path.write_text(text)
    (path.parent / ".git").mkdir()
    source = load(str(path))
    assert source is not None
    return list(check(source, Config(min_severity="info"), {}).findings)


def codes(path: Path, text: str) -> set[str]:
    return {finding.code for finding in found(path, text)}


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        (f"transformers @ {SOURCE}.git@{COMMIT}", False),
        (f"{SOURCE}@{COMMIT[:8]}", False),
        (f"{SOURCE}@main", True),
        (SOURCE, True),
        (f"# {SOURCE}@{COMMIT}", True),
        (f"git+https://github.com/huggingface/peft@{COMMIT}", True),
    ],
)
def test_a_commit_holds_a_package_at_a_version_that_nobody_knows(
    requirement: str, told: bool, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text(requirement + "\n")
    assert ("LLB07" in codes(tmp_path / "train.py", LOADS_IN_8_BIT)) is told


def test_a_removed_argument_is_no_matter_where_a_commit_is_held(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"{SOURCE}@{COMMIT}\n")
    text = LOADS_IN_8_BIT.replace("AutoModelForCausalLM\n", "TrainingArguments\n").replace(
        'model = AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)',
        'args = TrainingArguments("out", evaluation_strategy="steps", learning_rate=1e-4)',
    )
    assert "LL001" not in codes(tmp_path / "train.py", text)


@pytest.mark.parametrize(
    ("install", "told"),
    [
        ('%pip install --upgrade \\\n  "transformers==4.38.2" \\\n  "peft==0.8.2"', False),
        ("!pip install transformers==4.38.2", False),
        ("!pip install --upgrade \\\n  transformers", True),
    ],
)
def test_what_a_notebook_installs_decides_which_arguments_there_are(
    install: str, told: bool, tmp_path: Path
) -> None:
    code = (
        "from peft import LoraConfig\nfrom transformers import TrainingArguments\n"
        'lora = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj"])\n'
        'args = TrainingArguments("out", evaluation_strategy="steps", learning_rate=1e-4)\n'
    )
    cells = [{"cell_type": "code", "metadata": {}, "source": text} for text in (install, code)]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    assert ("LL001" in codes(tmp_path / "train.ipynb", json.dumps(notebook))) is told


def test_a_schema_with_the_names_of_a_recipe_is_none(tmp_path: Path) -> None:
    schema = "base_model:\n  description: the model\nadapter:\n  lora:\n    r: {impact: 3}\n"
    assert not found(tmp_path / "llm.yaml", schema)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("passed", False),
        ("LoftQConfig(loftq_bits=4)", True),
        ('{"loftq_bits": 4} if four else None', True),
    ],
)
def test_a_value_that_is_passed_through_may_hold_nothing(
    given: str, told: bool, tmp_path: Path
) -> None:
    text = (
        "from peft import LoftQConfig, LoraConfig\n\n"
        "def make(passed, four):\n"
        f"    return LoraConfig(r=16, lora_alpha=32, loftq_config={given})\n"
    )
    assert ("LL008" in codes(tmp_path / "train.py", text)) is told


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        (["embed_tokens", "lm_head"], "a copy for each"),
        (["embed_tokens"], "only one of the two uses"),
    ],
)
def test_two_saved_ends_of_a_tied_weight_are_both_trained(
    saved: list[str], said: str, tmp_path: Path
) -> None:
    text = (
        "base_model: meta-llama/Llama-3.2-1B\nadapter: lora\nlora_r: 16\nlora_alpha: 32\n"
        f"lora_target_linear: true\nlora_modules_to_save: {saved}\nlearning_rate: 2.0e-4\n"
        "datasets: [{path: data.jsonl}]\nmicro_batch_size: 1\n"
    )
    messages = [one.message for one in found(tmp_path / "r.yaml", text) if one.code == "LL406"]
    assert len(messages) == 1
    assert said in messages[0]


@pytest.mark.parametrize(("pin", "word"), [("trl", "warning"), ("trl==0.29.0", "error")])
def test_what_only_the_newest_version_refuses_is_a_warning_without_a_pin(
    pin: str, word: str, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text(pin + "\n")
    text = (
        "from peft import LoraConfig, get_peft_model\nfrom trl import SFTTrainer\n"
        "from transformers import AutoModelForCausalLM\n"
        'base = AutoModelForCausalLM.from_pretrained("a/b")\n'
        'lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")\n'
        "model = get_peft_model(base, lora)\nSFTTrainer(model, peft_config=lora).train()\n"
    )
    words = [f.severity.word for f in found(tmp_path / "train.py", text) if f.code == "LLB04"]
    assert words == [word]


def test_a_keyword_of_some_branches_is_not_held_against_the_call(tmp_path: Path) -> None:
    text = (
        "from peft import LoraConfig, OFTConfig\n\n"
        "def make(kind):\n"
        '    if kind == "lora":\n'
        '        given = {"r": 16, "lora_alpha": 32}\n'
        "    else:\n"
        '        given = {"r": 8, "oft_block_size": 4}\n'
        '    if kind == "lora":\n'
        '        return LoraConfig(task_type="CAUSAL_LM", **given)\n'
        "    return OFTConfig(**given)\n"
    )
    assert "LL001" not in codes(tmp_path / "train.py", text)


@pytest.mark.parametrize(
    ("name", "told"),
    [("OLoRA", False), ("MiCA", False), ("Gaussian", False), ("PiSSA", True), ("EVA", True)],
)
def test_some_initialisations_may_be_written_in_any_case(
    name: str, told: bool, tmp_path: Path
) -> None:
    text = (
        "from peft import LoraConfig\n"
        f'lora = LoraConfig(r=16, lora_alpha=32, init_lora_weights="{name}")\n'
    )
    assert ("LL002" in codes(tmp_path / "train.py", text)) is told
