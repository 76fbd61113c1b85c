"""Adapters are counted as PEFT builds them.

``tests/data/peft_counts.jsonl`` has PEFT's own counts, of random models and adapters;
``tools/check_trainable_parameters.py`` makes them, and compares fresh ones.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from counting import trainable_parameters, trained_by
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.architecture import architecture
from lora_rules.facts.model.model_table import model_types

TOOLS = Path(__file__).parent.parent.parent.parent / "tools"
COUNTS = Path(__file__).parent.parent.parent / "data" / "peft_counts.jsonl"
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
    head = 8 * (4096 + 128_256)
    both = trainable_parameters(LLAMA, 8, ["q_proj", "lm_head"], layers_to_transform=3)
    assert both == 8 * 8192 + head, "a target that is a whole path is adapted in any case"
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
        {"target_modules": ["lm_head"], "modules_to_save": ["lm_head"]},
        {"target_modules": ["lm_head"], "modules_to_save": ["head"]},
        {"target_modules": ["q_proj"], "modules_to_save": ["norm"]},
        {"target_modules": ["q_proj"], "modules_to_save": "lm_head"},
        {"target_modules": ["q_proj"], "bias": "some"},
        {"target_modules": ["q_proj", "self_attn"]},
        {"target_modules": ["q_proj", "input_layernorm"]},
        {"target_modules": ["q_proj", "conv1d"]},
        {"target_modules": ".*layers.*"},
        {"target_modules": ["q_proj"], "use_dora": True, "lora_bias": True},
        {"target_modules": ["embed_tokens"], "lora_bias": True},
        {"target_modules": "all-linear", "layers_to_transform": [1]},
        {"target_modules": ["q_proj"], "layers_pattern": "layers"},
        {"target_modules": ["q_proj"], "target_parameters": ["q_proj.weight"]},
        {"target_modules": ["q_proj"], "target_parameters": ["norm.weight"]},
        {"target_modules": ["q_proj"], "target_parameters": ["no.such"]},
        {"target_modules": ["q_proj"], "trainable_token_indices": [3, 3]},
        {"target_modules": ["q_proj"], "trainable_token_indices": [128_256]},
        {"target_modules": ["q_proj", "embed_tokens"], "trainable_token_indices": [3]},
        {"target_modules": ["q_proj"], "trainable_token_indices": {"lm_head": [3]}},
        {"target_modules": ["q_proj"], "task_type": "TOKEN_CLS"},
        {"target_modules": ["q_proj"], "task_type": "SEQ_CLS"},
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


@pytest.mark.parametrize("name", ["layer_replication", "ensure_weight_tying", "use_bdlora"])
def test_settings_that_are_not_counted(name: str) -> None:
    assert trained_by(LLAMA, r=8, target_modules=["q_proj"], **{name: None})
    with pytest.raises(Unknown, match=f"with {name} is not counted"):
        trained_by(LLAMA, r=8, target_modules=["q_proj"], **{name: ["x"]})


@pytest.mark.parametrize(
    ("adapter", "more"),
    [
        ({"modules_to_save": ["classifier"]}, 0),
        ({"modules_to_save": ["head"]}, 4096 * 128_256),
        ({"lora_bias": True}, 32 * 4096),
        ({"bias": "all"}, 0),
        ({"trainable_token_indices": [1, 2, 3]}, 3 * 4096),
        ({"trainable_token_indices": {"embed_tokens": [1, 2, 3]}}, 3 * 4096),
        ({"target_parameters": ["lm_head.weight"]}, 8 * (4096 + 128_256)),
        ({"layers_to_transform": [1, 2], "layers_pattern": "layers"}, -30 * 8 * 8192),
        ({"layers_to_transform": [1, 2], "layers_pattern": ["h", "layers"]}, -30 * 8 * 8192),
        ({"task_type": "CAUSAL_LM"}, 0),
    ],
)
def test_what_adds_to_it(adapter: dict[str, Any], more: int) -> None:
    assert trainable_parameters(LLAMA, 8, ["q_proj"], **adapter) == 32 * 8 * 8192 + more


def test_mixed_ranks() -> None:
    names = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]
    ranks: dict[str, object] = {"q_proj": 32, "v_proj": 32}
    assert trainable_parameters(OPT, 16, names, rank_pattern=ranks) == 3_244_032


def test_biases_of_the_base_model() -> None:
    """By hand, for OPT-125M: six linear layers and two norms a layer, and the last norm."""
    plain = trainable_parameters(OPT, 16, ["q_proj"])
    only = trainable_parameters(OPT, 16, ["q_proj"], bias="lora_only")
    everything = trainable_parameters(OPT, 16, ["q_proj"], bias="all")
    assert only - plain == 12 * 768
    assert everything - plain == 12 * (5 * 768 + 3072 + 2 * 768) + 768


def test_a_classifier_is_trained_whole() -> None:
    """The head of a classifier comes by itself; all-linear leaves it out."""
    settings = {"r": 64, "target_modules": "all-linear", "task_type": "SEQ_CLS"}
    count = trained_by(LLAMA, num_labels=3, **settings)
    assert count == 167_772_160 + 3 * 4096


def test_mica_is_not_counted() -> None:
    with pytest.raises(Unknown, match="MiCA"):
        trained_by(LLAMA, r=8, target_modules=["q_proj"], init_lora_weights="mica")


@pytest.mark.parametrize("bomb", [r"(.*)*x", r"(a|a)*b", r"(\w+\.?)+!", ".*.*.*.*.*.*x", "a" * 500])
def test_a_strangers_expression_does_not_hang(bomb: str) -> None:
    with pytest.raises(Unknown):
        trainable_parameters(LLAMA, 8, bomb)


@pytest.fixture
def tools() -> None:
    if str(TOOLS) not in sys.path:
        sys.path.insert(0, str(TOOLS))


@pytest.mark.usefixtures("tools")
def test_the_same_counts_as_peft() -> None:
    """No difference; where PEFT refuses, no count; and few that are merely not counted."""
    from peft_replay import ours

    verdicts: Counter[str] = Counter()
    wrong = []
    cases = [json.loads(line) for line in COUNTS.read_text(encoding="utf-8").splitlines()]
    known = [case for case in cases if case["model_type"] in model_types()]
    for case in known:
        answer = ours(case["model_type"], case["task"], case["config"], case["adapter"])
        if answer.count is None:
            verdicts["refused" if case["count"] is None else "unknown"] += 1
        elif answer.count == case["count"]:
            verdicts["equal"] += 1
        else:
            wrong.append((answer.count, case))
    assert not wrong
    assert verdicts["unknown"] < 0.2 * verdicts["equal"]
    assert verdicts["equal"] >= (300 if len(known) == len(cases) else 100)


@pytest.mark.slow
@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(
    "model_type", ["llama", "opt", "deepseek_v3", "t5", "bert", "bart", "electra", "qwen2"]
)
def test_adapters_are_counted_as_peft_does(model_type: str) -> None:
    """The same cases each time; ``tools/check_trainable_parameters.py`` draws fresh ones."""
    import check_trainable_parameters as check

    rows = list(check.compare(model_type, random.Random(20261122), 1))  # noqa: S311
    assert rows
    wrong = [row for row in rows if row.verdict in ("differ", "PEFT refuses")]
    assert not wrong
