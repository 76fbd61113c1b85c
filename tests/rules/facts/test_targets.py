"""Rules over the base model: what is said, what is offered, and where they stay silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import Finding
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Set, Severity
from peft_cases import write_models

EVERYTHING = Config(min_severity="info")
OURS = ("LL203", "LL204", "LL207", "LL4", "LL505")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    write_models(made)
    return made


def script(model: str, arguments: str, *, loader: str = "AutoModelForCausalLM") -> str:
    return (
        "from peft import LoraConfig, get_peft_model\n"
        f"from transformers import {loader}\n\n"
        f'model = {loader}.from_pretrained("./{model}")\n'
        f"config = LoraConfig(r=8, lora_alpha=16, {arguments})\n"
        "model = get_peft_model(model, config)\n"
    )


def findings(text: str, folder: Path, *, language: str = "python") -> list[Finding]:
    ending = {"python": "py", "yaml": "yaml"}[language]
    source = Source(str(folder / f"train.{ending}"), language, text.encode())
    report = check(source, EVERYTHING, {})
    return [one for one in report.findings if one.certain and one.code.startswith(OURS)]


def codes(text: str, folder: Path, *, language: str = "python") -> list[str]:
    return [one.code for one in findings(text, folder, language=language)]


@pytest.mark.parametrize(
    ("model", "written", "offered"),
    [
        ("opt", ["q_proj", "o_proj"], ["q_proj", "out_proj"]),
        ("gpt2", ["q_proj", "v_proj"], ["c_attn"]),
        ("falcon", ["q_proj", "k_proj", "v_proj"], ["query_key_value"]),
        ("phi3", ["q_proj", "v_proj", "o_proj"], ["qkv_proj", "o_proj"]),
        ("llama", ["query", "value"], ["q_proj", "v_proj"]),
        ("llama", ["c_attn", "q_prooj"], ["q_proj"]),
        ("bert", ["q_proj", "v_proj"], ["query", "value"]),
        ("t5", ["q_proj", "v_proj"], ["q", "v"]),
        ("vit", ["query", "value"], ["q_proj", "v_proj"]),
        ("gptj", ["up_proj", "down_proj"], ["fc_in", "fc_out"]),
    ],
)
def test_the_right_names_are_offered(
    model: str, written: list[str], offered: list[str], folder: Path
) -> None:
    loader = {"t5": "AutoModelForSeq2SeqLM", "vit": "AutoModelForImageClassification"}
    text = script(
        model, f"target_modules={written}", loader=loader.get(model, "AutoModelForCausalLM")
    )
    found = findings(text, folder)
    missed = next(one for one in found if one.code == "LL402")
    assert missed.severity is Severity.ERROR
    assert missed.edits == (Set("target_modules", offered),)


def test_one_name_of_a_shared_list_that_is_covered_is_a_warning(folder: Path) -> None:
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "c_proj"]
    found = findings(script("llama", f"target_modules={names}"), folder)
    assert [(one.code, one.severity) for one in found] == [("LL402", Severity.WARNING)]


def test_the_default_of_a_flag_may_be_another_model(folder: Path) -> None:
    text = script("opt", 'target_modules=["q_proj", "o_proj"]').replace(
        'from_pretrained("./opt")', "from_pretrained(args.model)"
    )
    flags = (
        "import argparse\n"
        "parser = argparse.ArgumentParser()\n"
        'parser.add_argument("--model", default="./opt")\n'
        "args = parser.parse_args()\n"
    )
    missed = [one for one in findings(flags + text, folder) if one.code == "LL402"]
    assert [one.severity for one in missed] == [Severity.WARNING]


@pytest.mark.parametrize("pin", ["transformers==4.46.3", "transformers==4.57.0"])
def test_names_before_transformers_5_are_not_judged_by_those_of_5(pin: str, tmp_path: Path) -> None:
    write_models(tmp_path)
    (tmp_path / "requirements.txt").write_text(f"{pin}\n")
    loader = "AutoModelForImageClassification"
    saved = 'target_modules=["query", "value"], modules_to_save=["classifier"]'
    assert codes(script("vit", saved, loader=loader), tmp_path) == []
    dropout = 'target_modules=["q_proj", "w1", "w2", "w3"], lora_dropout=0.05'
    assert codes(script("mixtral", dropout), tmp_path) == []


def test_without_a_pin_what_is_new_in_5_is_a_warning(tmp_path: Path) -> None:
    write_models(tmp_path)
    (tmp_path / "requirements.txt").unlink()
    dropout = 'target_modules=["q_proj", "w1", "w2", "w3"], lora_dropout=0.05'
    found = findings(script("mixtral", dropout), tmp_path)
    assert ("LL415", Severity.WARNING) in [(one.code, one.severity) for one in found]


def test_axolotl_lists_the_linear_layers_by_name(folder: Path) -> None:
    text = (
        "base_model: ./mixtral\ndatasets: [{path: data.jsonl}]\nadapter: lora\nlora_r: 8\n"
        "lora_alpha: 16\nlora_dropout: 0.05\nlora_target_linear: true\nlearning_rate: 2.0e-4\n"
    )
    assert "LL403" in codes(text, folder, language="yaml")
    assert "LL415" not in codes(text, folder, language="yaml")


def test_unsloth_makes_the_targets_itself(folder: Path) -> None:
    text = (
        "from unsloth import FastModel\n"
        'model, _ = FastModel.from_pretrained("./gemma3")\n'
        "model = FastModel.get_peft_model(model, r=8, lora_alpha=16)\n"
    )
    assert codes(text, folder) == []


ATTENTION = '["q_proj", "k_proj", "vproj", "o_proj", "gate_proj", "up_proj", "down_proj"]'


@pytest.mark.parametrize(
    "spelling",
    [
        ATTENTION,
        ATTENTION.replace("[", "(").replace("]", ")"),
        ATTENTION.replace("[", "{").replace("]", "}"),
        '["vproj", "down_proj", "up_proj", "gate_proj", "o_proj", "k_proj", "q_proj"]',
    ],
)
def test_the_order_and_the_kind_of_list_do_not_matter(spelling: str, folder: Path) -> None:
    assert codes(script("llama", f"target_modules={spelling}"), folder) == ["LL402"]


@pytest.mark.parametrize(
    "unknown",
    [
        "target_modules=names()",
        "target_modules=TARGETS",
        'target_modules=["q_proj"], modules_to_save=names()',
        'target_modules=["q_proj"], layers_to_transform=names()',
        'target_modules=["q_proj"], exclude_modules=names()',
    ],
)
def test_what_is_unknown_is_not_judged(unknown: str, folder: Path) -> None:
    assert codes(script("llama", unknown), folder) == []


def test_an_unknown_model_is_not_judged(folder: Path) -> None:
    assert codes(script("no-such-folder", 'target_modules=["c_attn"]'), folder) == []


def test_a_script_that_frees_the_head_itself_is_left_alone(folder: Path) -> None:
    loader = "AutoModelForSequenceClassification"
    text = script("bert-seqcls", 'target_modules=["query"]', loader=loader)
    assert "LL411" in codes(text, folder)
    freed = text + "for one in model.classifier.parameters():\n    one.requires_grad = True\n"
    assert "LL411" not in codes(freed, folder)


def test_a_head_that_the_checkpoint_lacks_is_an_error(folder: Path) -> None:
    loader = "AutoModelForSequenceClassification"
    found = findings(script("roberta", 'target_modules=["query"]', loader=loader), folder)
    assert [(one.code, one.severity) for one in found] == [("LL411", Severity.ERROR)]
    assert found[0].edits == (Set("task_type", "SEQ_CLS"),)


@pytest.mark.parametrize(
    ("model", "percent"),
    [
        ("Qwen/Qwen1.5-MoE-A2.7B", 87),
        ("mistralai/Mixtral-8x7B-v0.1", 97),
        ("Qwen/Qwen3-30B-A3B", 95),
    ],
)
def test_most_of_a_mixture_is_in_its_experts(model: str, percent: int, folder: Path) -> None:
    text = script("x", 'target_modules=["q_proj"]').replace("./x", model)
    found = [one for one in findings(text, folder) if one.code == "LL403"]
    assert [one.severity for one in found] == [Severity.INFO]
    assert f"({percent} % of its parameters)" in found[0].message
