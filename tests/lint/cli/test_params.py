"""``lora-lint params``: what a reader is told of the trained parameters."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from lora_lint.cli.params import params
from lora_rules.recipe import Origin, Recipe, Setting, Span
from repositories import beside


def recipe(**settings: Any) -> Recipe:
    known = {
        name: Setting(
            name,
            tuple(value) if isinstance(value, tuple) else (value,),
            Origin.WRITTEN,
            name,
            Span(1, 1, 1, 2),
        )
        for name, value in settings.items()
    }
    return Recipe("run.py", "python", "peft", Span(3, 1, 3, 9), known, repository=beside())


def text(*recipes: Recipe) -> str:
    stream = io.StringIO()
    params(recipes, "text", stream)
    return stream.getvalue()


def document(*recipes: Recipe) -> dict[str, Any]:
    stream = io.StringIO()
    params(recipes, "json", stream)
    found: dict[str, Any] = json.loads(stream.getvalue())
    return found


LLAMA = {"model_name_or_path": "meta-llama/Meta-Llama-3-8B", "r": 64}
OPT = {"model_name_or_path": "facebook/opt-125m", "r": 16}


def test_a_llama_as_one_would_work_it_out_by_hand() -> None:
    told = text(recipe(**LLAMA, target_modules=["q_proj", "v_proj"]))
    assert "run.py:3  peft" in told
    assert "8,030,261,248 parameters, from the table of models (llama-3-8b)" in told
    assert "trained  27,262,976  0.34 % of the model's" in told
    assert "q_proj  32 x 64 x (4,096 + 4,096)  16,777,216" in told
    assert "v_proj  32 x 64 x (4,096 + 1,024)  10,485,760" in told


def test_every_strategy_of_the_seed_documents() -> None:
    counts = document(recipe(**OPT))["recipes"][0]["counts"][0]
    assert counts["trainable_parameters"] == 589_824
    trained = {one["name"]: one["trainable_parameters"] for one in counts["strategies"]}
    assert trained == {
        "query and value": 589_824,
        "all attention": 1_179_648,
        "MLP only": 1_474_560,
        "all linear": 2_654_208,
    }
    told = text(recipe(**LLAMA, target_modules="all-linear"))
    assert "167,772,160  2.09 %  as it is here" in told


def test_mixed_ranks_are_told_apart() -> None:
    ranks = {"q_proj": 32, "v_proj": 32}
    names = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]
    told = text(recipe(**OPT, target_modules=names, rank_pattern=ranks))
    assert "trained  3,244,032" in told
    assert "12 x 32 x (768 + 768)" in told
    assert "12 x 16 x (768 + 3,072)" in told


def test_dora_and_whole_modules() -> None:
    told = text(recipe(**LLAMA, target_modules=["q_proj"], use_dora=True, bias="none"))
    assert "32 x 64 x (4,096 + 4,096) + 4,096" in told
    told = text(recipe(**LLAMA, target_modules=["q_proj"], modules_to_save=["lm_head"]))
    assert "trained whole" in told
    assert "525,336,576" in told


def test_each_value_that_a_rank_may_have() -> None:
    counts = document(recipe(**{**OPT, "r": (8, 16)}))["recipes"][0]["counts"]
    assert [one["trainable_parameters"] for one in counts] == [294_912, 589_824]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"r": 8}, "model_name_or_path is not given"),
        ({"model_name_or_path": "my-org/my-model", "r": 8}, "not in the table of models"),
        ({"model_name_or_path": "facebook/opt-125m"}, "r is not given"),
        ({**OPT, "target_modules": ["no_such_module"]}, "fits no module of opt"),
        ({**OPT, "target_modules": ["self_attn"]}, "which is no linear layer"),
    ],
)
def test_what_is_unknown_is_said(settings: dict[str, Any], why: str) -> None:
    assert why in text(recipe(**settings))
    counts = document(recipe(**settings))["recipes"][0]["counts"][0]
    assert why in counts["unknown"]
    assert not counts.get("trainable_parameters")


def test_other_targets_are_told_even_if_these_are_wrong() -> None:
    counts = document(recipe(**OPT, target_modules=["nothing"]))["recipes"][0]["counts"][0]
    assert counts["trainable_parameters"] is None
    assert counts["strategies"][-1]["trainable_parameters"] == 2_654_208


def test_a_local_mixture(tmp_path: Path) -> None:
    """By hand: each expert has its own two matrices; the fused gate and up take twice the rank."""
    config = {
        "model_type": "deepseek_v3",
        "hidden_size": 64,
        "moe_intermediate_size": 32,
        "num_hidden_layers": 3,
        "first_k_dense_replace": 1,
        "n_routed_experts": 4,
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    targets = ["gate_proj", "up_proj", "down_proj"]
    told = text(recipe(model_name_or_path=str(tmp_path), r=8, target_modules=targets))
    assert "2 x 4 experts x 16 x (64 + 64)" in told
    assert "2 x 4 experts x 8 x (32 + 64)" in told


def test_no_recipe() -> None:
    assert text() == "No LoRA recipe here.\n"
    assert document()["recipes"] == []
