"""``lora-launch init``: what it writes lints clean, fits its GPU, and names modules that exist."""

from __future__ import annotations

import json

import pytest

from conftest import ROOT
from lora_launch.cli import main
from lora_launch.config import config, document
from lora_lint.cli.main import main as lint

RECIPES = ("classification", "instruction", "domain", "code")
MODELS = {
    "meta-llama/Llama-3.1-8B": "o_proj",
    "facebook/opt-125m": "out_proj",
    "microsoft/phi-2": "dense",
    "Qwen/Qwen2.5-7B-Instruct": "o_proj",
}


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps({"prompt": "a", "completion": "b"}) + "\n")
    path.write_text(path.read_text() * 12_000)
    return path


def init(data, recipe: str, model: str, *more: str):
    path = data.parent / "made.yaml"
    arguments = ["--recipe", recipe, "--model", model, "--data", str(data), "--output", str(path)]
    assert main(["init", *arguments, "--force", *more]) == 0
    return path


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("gpu", ["RTX 4090", "T4"])
def test_it_lints_clean_and_fits(data, recipe, model, gpu, capsys):
    path = init(data, recipe, model, "--gpu", gpu)
    assert lint([str(path)]) == 0
    capsys.readouterr()
    assert main(["--config", str(path), "--dry-run", "--strict"]) == 0
    told = capsys.readouterr().out
    assert ": fits" in told
    assert "= 16" in told


@pytest.mark.parametrize(("model", "output"), MODELS.items())
def test_the_output_projection_is_called_as_the_model_calls_it(data, model, output):
    found = config.read(document.load(str(init(data, "instruction", model))))
    assert found.given("lora")["target_modules"] == ["q_proj", "k_proj", "v_proj", output]


def test_the_numbers_are_the_seed_documents(data):
    told = {}
    for recipe in RECIPES:
        path = init(data, recipe, "facebook/opt-125m")
        lora = config.read(document.load(str(path))).given("lora")
        told[recipe] = (lora["r"], lora["lora_alpha"], lora["lora_dropout"])
        assert lora["task_type"] == "CAUSAL_LM"
    assert told == {
        "classification": (8, 16, 0.1),
        "instruction": (16, 32, 0.05),
        "domain": (32, 64, 0.05),
        "code": (64, 128, 0.0),
    }


def test_few_rows_get_a_lower_rank(tmp_path):
    few = tmp_path / "few.jsonl"
    few.write_text('{"prompt": "a", "completion": "b"}\n' * 900)
    found = config.read(document.load(str(init(few, "code", "meta-llama/Llama-3.1-8B"))))
    assert found.given("lora")["r"] < 64
    assert found.given("lora")["lora_alpha"] == 2 * found.given("lora")["r"]


def test_what_cannot_fit_is_told(data, capsys):
    arguments = ["--recipe", "code", "--model", "meta-llama/Llama-3.1-70B", "--data", str(data)]
    assert main(["init", *arguments, "--gpu", "T4", "--output", "-"]) == 2
    assert "does not fit Tesla T4, not even over a 4-bit base" in capsys.readouterr().err


def test_a_file_that_is_there_stays(data, capsys):
    path = init(data, "code", "facebook/opt-125m")
    arguments = ["--recipe", "code", "--model", "facebook/opt-125m", "--data", str(data)]
    assert main(["init", *arguments, "--output", str(path)]) == 2
    assert "--force writes over it" in capsys.readouterr().err


def test_an_unknown_gpu_is_told(data, capsys):
    arguments = ["--recipe", "code", "--model", "x/y", "--data", str(data), "--gpu", "RTX 4900"]
    assert main(["init", *arguments]) == 2
    assert "--gpu" in capsys.readouterr().err


def test_the_example_in_the_repository_is_plannable():
    path = ROOT / "examples" / "launch" / "tickets.yaml"
    assert lint([str(path)]) == 0
