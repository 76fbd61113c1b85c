"""LL012's tables: every refusal of a file, once violated and once mended."""

from __future__ import annotations

import pytest

from lora_lint.translate.framework import names
from lora_rules.checks.training.ll012_refused_by_framework import tables
from lora_rules.engine.refusals import Refusal
from lora_rules.frameworks import behaviour_of
from refused_cases import AXOLOTL, HEADS, LLAMA_FACTORY, OTHERS, SWIFT, TRAINER
from told import findings

CASES = [
    *(("axolotl", *case) for case in AXOLOTL),
    *(("llamafactory", *case) for case in LLAMA_FACTORY),
    *(("ms-swift", *case) for case in SWIFT),
    *(("trl", *case) for case in TRAINER),
    *OTHERS,
]


def messages(dialect: str, lines: str) -> list[tuple[str, str]]:
    text = HEADS[dialect] + lines
    return [(one.severity.word, one.message) for one in findings(text, "LL012")]


@pytest.mark.parametrize(("dialect", "severity", "says", "broken", "sound"), CASES)
def test_a_refusal(dialect: str, severity: str, says: str, broken: str, sound: str) -> None:
    assert [word for word, text in messages(dialect, broken) if text.startswith(says)] == [severity]
    assert messages(dialect, sound) == []


@pytest.mark.parametrize("dialect", HEADS)
def test_the_head_alone_is_sound(dialect: str) -> None:
    assert messages(dialect, "") == []


def every_refusal() -> list[tuple[str, Refusal]]:
    return [
        (name, one)
        for name in names()
        for table, _by in tables(behaviour_of(name))
        for one in table
    ]


def test_every_refusal_has_a_case() -> None:
    tried = {(dialect, says) for dialect, _severity, says, _broken, _sound in CASES}
    shared = {says for dialect, says in tried if dialect == "trl"}
    left = [
        (dialect, one.says)
        for dialect, one in every_refusal()
        if not any(d == dialect and one.says.startswith(says) for d, says in tried)
        and not any(one.says.startswith(says) for says in shared)
    ]
    assert left == []


def test_every_help_is_a_sentence() -> None:
    assert all(one.do.endswith(".") and not one.says.endswith(".") for _, one in every_refusal())


@pytest.mark.parametrize(
    ("dialect", "lines"),
    [
        ("axolotl", "warmup_steps: ${STEPS}\nwarmup_ratio: 0.03\n"),
        ("axolotl", "rl: kto\nremove_unused_columns: ${KEEP}\n"),
        ("axolotl", "optimizer: adamw_8bit\nfsdp_config: {fsdp_version: '${V}'}\n"),
        ("axolotl", "context_parallel_size: 2\nattn_implementation: ${ATTN}\n"),
        ("llamafactory", "streaming: ${STREAM}\n"),
        ("ms-swift", "packing: true\nattn_impl: ${ATTN}\n"),
        ("litgpt", "quantize: bnb.nf4\ndevices: auto\n"),
    ],
)
def test_what_is_not_known_is_not_reported(dialect: str, lines: str) -> None:
    assert messages(dialect, lines) == []


def test_a_key_that_may_be_merged_in_is_not_missed() -> None:
    shared = "base: &base\n  gradient_checkpointing: true\n"
    assert messages("axolotl", shared + "activation_offloading: true\n<<: *base\n") == []
