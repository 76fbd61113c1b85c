"""Adapters are counted as PEFT builds them; ``tools/check_models.py`` compares with PEFT itself."""

from __future__ import annotations

from typing import Any

import pytest

from lora_rules.facts.architecture import architecture
from lora_rules.facts.trainable_parameters import trainable_parameters
from lora_rules.needs import Unknown
from lora_rules.recipe import Origin, Recipe, Setting, Span

OPT = architecture("facebook/opt-125m")
LLAMA = architecture("meta-llama/Meta-Llama-3-8B")
QV = 2 * 32 * (4096 + 4096) + 32 * (1024 - 4096)
"""``d_in + d_out`` of all q_proj and v_proj of Llama-3-8B."""


@pytest.mark.parametrize(
    ("model", "r", "targets", "count"),
    [
        (OPT, 16, ["q_proj", "v_proj"], 589_824),
        (OPT, 16, None, 589_824),
        (OPT, 16, ["q_proj", "k_proj", "v_proj", "out_proj"], 1_179_648),
        (OPT, 16, ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"], 2_654_208),
        (OPT, 16, ["q_proj", "k_proj", "v_proj", "o_proj"], 884_736),
        (LLAMA, 64, "all-linear", 167_772_160),
        (LLAMA, 64, "ALL-LINEAR", 167_772_160),
        (LLAMA, 64, ["q_proj", "v_proj"], 27_262_976),
        (LLAMA, 64, r".*\.(q|v)_proj", 27_262_976),
        (LLAMA, 64, r"model\.layers\.0\.self_attn\.q_proj", 64 * 8192),
        (LLAMA, 64, ["layers.0.self_attn.q_proj"], 64 * 8192),
        (LLAMA, 8, ["lm_head"], 8 * (4096 + 128_256)),
        (LLAMA, 8, ["embed_tokens"], 8 * (4096 + 128_256)),
    ],
)
def test_targets(model: Any, r: int, targets: Any, count: int) -> None:
    assert trainable_parameters(model, r, targets) == count


def test_rank_pattern() -> None:
    qv = ["q_proj", "v_proj"]
    q, v = 32 * 8192, 32 * 5120
    assert trainable_parameters(LLAMA, 8, qv, rank_pattern={"q_proj": 4}) == 4 * q + 8 * v
    one = trainable_parameters(LLAMA, 8, qv, rank_pattern={r"layers\.3\.self_attn\.q_proj": 16})
    assert one == 8 * (q + v) + 8 * 8192
    assert trainable_parameters(LLAMA, 8, qv, rank_pattern={"^q_proj": 4}) == 8 * (q + v)


def test_layers_and_exclusions() -> None:
    assert trainable_parameters(LLAMA, 8, ["q_proj"], layers_to_transform=[0, 1, 99]) == 16 * 8192
    assert trainable_parameters(LLAMA, 8, ["q_proj", "lm_head"], layers_to_transform=3) == 8 * 8192
    qv = trainable_parameters(LLAMA, 8, ["q_proj", "v_proj"])
    q = trainable_parameters(LLAMA, 8, ["q_proj", "v_proj"], exclude_modules=["v_proj"])
    assert q == 8 * 32 * 8192 < qv


def test_whole_modules_and_dora() -> None:
    plain = trainable_parameters(LLAMA, 8, ["q_proj"])
    saved = trainable_parameters(LLAMA, 8, ["q_proj"], modules_to_save=["lm_head", "embed_tokens"])
    assert saved == plain + 2 * 4096 * 128_256
    assert trainable_parameters(LLAMA, 8, ["q_proj"], use_dora=True) == plain + 32 * 4096


@pytest.mark.parametrize(
    "adapter",
    [
        {"target_modules": ["query", "value"]},
        {"target_modules": "q_proj"},
        {"target_modules": ["all-linear"]},
        {"target_modules": "(a+"},
        {"target_modules": ["q_proj"], "modules_to_save": ["classifier"]},
        {"target_modules": ["lm_head"], "modules_to_save": ["lm_head"]},
        {"target_modules": ["q_proj"], "bias": "all"},
        {"target_modules": ["q_proj"], "rank_pattern": {"q_proj": 0}},
        {"target_modules": ["q_proj"], "layers_to_transform": ["0"]},
        {"target_modules": ["q_proj"], "layers_to_transform": [77]},
    ],
)
def test_not_counted(adapter: dict[str, Any]) -> None:
    with pytest.raises(Unknown):
        trainable_parameters(LLAMA, 8, **adapter)


def test_no_default_no_count() -> None:
    with pytest.raises(Unknown, match="no default"):
        trainable_parameters(architecture("microsoft/phi-4"), 8)


@pytest.mark.parametrize("name", ["lora_bias", "target_parameters", "trainable_token_indices"])
def test_settings_that_are_not_counted(name: str) -> None:
    def recipe(value: object) -> Recipe:
        setting = Setting(name, (value,), Origin.WRITTEN, name)
        return Recipe("a.py", "python", "peft", Span(1, 1, 1, 1), {name: setting})

    assert trainable_parameters(LLAMA, 8, ["q_proj"], recipe=recipe(None))
    with pytest.raises(Unknown):
        trainable_parameters(LLAMA, 8, ["q_proj"], recipe=recipe(["x"]))


def test_mica_is_not_counted() -> None:
    setting = Setting("init_lora_weights", ("mica",), Origin.WRITTEN, "init_lora_weights")
    recipe = Recipe("a.py", "python", "peft", Span(1, 1, 1, 1), {"init_lora_weights": setting})
    with pytest.raises(Unknown, match="MiCA"):
        trainable_parameters(LLAMA, 8, ["q_proj"], recipe=recipe)


@pytest.mark.parametrize("bomb", [r"(.*)*x", r"(a|a)*b", r"(\w+\.?)+!", ".*.*.*.*.*.*x", "a" * 500])
def test_a_strangers_expression_does_not_hang(bomb: str) -> None:
    with pytest.raises(Unknown):
        trainable_parameters(LLAMA, 8, bomb)
