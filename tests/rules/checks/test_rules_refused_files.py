"""LL012's tables: every refusal of a file, once violated and once repaired."""

from __future__ import annotations

import pytest

from lora_rules.frameworks.every_refusal import every_refusal
from refused_cases import (
    AXOLOTL,
    HEADS,
    LLAMA_FACTORY,
    OF_OLD_VERSIONS,
    OF_TOML,
    OTHERS,
    SWIFT,
    TRAINER,
)
from told import findings

CASES = [
    *(("axolotl", *case) for case in AXOLOTL),
    *(("llamafactory", *case) for case in LLAMA_FACTORY),
    *(("ms-swift", *case) for case in SWIFT),
    *(("trl", *case) for case in TRAINER),
    *OTHERS,
]


def keys(dialect: str, lines: str) -> list[tuple[str, str]]:
    text, path = HEADS[dialect] + lines, "train.toml" if dialect in OF_TOML else ""
    return [(one.severity.word, one.key) for one in findings(text, "LL012", path=path)]


@pytest.mark.parametrize(("dialect", "severity", "key", "broken", "sound"), CASES)
def test_a_refusal(dialect: str, severity: str, key: str, broken: str, sound: str) -> None:
    assert keys(dialect, broken).count((severity, key)) == 1
    assert keys(dialect, sound) == []


@pytest.mark.parametrize("dialect", HEADS)
def test_the_head_alone_is_sound(dialect: str) -> None:
    assert keys(dialect, "") == []


def test_every_refusal_has_a_case() -> None:
    tried = {key for _dialect, _severity, key, _broken, _sound in CASES} | set(OF_OLD_VERSIONS)
    refused = {page.key for refusals in every_refusal() for page in refusals.pages()}
    assert refused - tried == set()
    assert tried - refused == set()


def test_every_help_is_a_sentence() -> None:
    rows = [one for refusals in every_refusal() for one in refusals.rows]
    assert all(one.do.endswith(".") and not one.says.endswith(".") for one in rows)


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
    assert keys(dialect, lines) == []


def test_a_key_that_may_be_merged_in_is_not_missed() -> None:
    shared = "base: &base\n  gradient_checkpointing: true\n"
    assert keys("axolotl", shared + "activation_offloading: true\n<<: *base\n") == []
