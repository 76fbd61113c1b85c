"""A GPU's name is understood, or refused with a useful word."""

from __future__ import annotations

import sys

import pytest

from conftest import ROOT
from lora_rules.engine.behaviour import Behaviour
from lora_rules.facts.memory.gpu import UnknownGpu, _keys, find_gpu, usable_gpu

sys.path.insert(0, str(ROOT / "tools"))
import build_gpus

GIB = 2**30


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("RTX 4090", "GeForce RTX 4090"),
        ("4090", "GeForce RTX 4090"),
        ("rtx4090", "GeForce RTX 4090"),
        ("NVIDIA GeForce RTX 4090", "GeForce RTX 4090"),
        ("3090 ti", "GeForce RTX 3090 Ti"),
        ("A100-80GB", "A100 80GB"),
        ("a100 80g", "A100 80GB"),
        ("NVIDIA A100-SXM4-40GB", "A100 40GB"),
        ("NVIDIA A100 80GB PCIe", "A100 80GB"),
        ("T4", "Tesla T4"),
        ("Tesla V100-SXM2-16GB", "Tesla V100 16GB"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM 80GB"),
        ("a10", "A10"),
        ("A10G", "A10G"),
        ("RTX A6000", "RTX A6000"),
        ("RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("MI300X", "Instinct MI300X"),
        ("NVIDIA GeForce RTX 2080 Ti", "GeForce RTX 2080 Ti"),
        ("1080 ti", "GeForce GTX 1080 Ti"),
        ("AMD Radeon RX 7900 XTX", "Radeon RX 7900 XTX"),
        ("Apple M2 Max 96 GB", "Apple M2 Max 96GB"),
    ],
)
def test_understood(said: str, name: str) -> None:
    assert find_gpu(said).name == name


def test_usable_is_less_than_the_label() -> None:
    assert 23.4 * GIB < usable_gpu("RTX 4090", Behaviour("x")).usable < 23.6 * GIB
    assert 14.5 * GIB < find_gpu("T4").usable < 14.6 * GIB
    assert find_gpu("T4").bf16 is False
    assert find_gpu("L4").bf16 is True
    assert find_gpu("L4").capability == "8.9"


def test_every_card_is_consistent_and_sourced() -> None:
    for _, card in _keys():
        assert card.usable <= card.most
        assert card.most <= card.gigabytes * GIB or card.name == "H100 NVL 94GB"
        # Metal recommends two thirds to three quarters of an Apple machine's memory for its GPU.
        share = 0.66 if card.capability == "metal" else 0.9
        assert card.usable > share * card.gigabytes * 10**9
        assert card.source
        assert "UNSOURCED" not in card.source


def test_the_table_holds_at_least_forty_cards_of_three_makers() -> None:
    cards = {card.name: card for _, card in _keys()}
    assert len(cards) >= 40
    kinds = {str(card.capability)[:3] for card in cards.values()}
    assert {"8.0", "9.0", "gfx", "met"} <= kinds
    native = {name for name, card in cards.items() if card.bf16 is True}
    assert "H200" in native
    assert "Tesla T4" not in native


def test_every_name_finds_its_own_card() -> None:
    owner: dict[str, str] = {}
    assert all(owner.setdefault(key, card.name) == card.name for key, card in _keys())
    for _, card in _keys():
        assert find_gpu(card.name) == card


@pytest.mark.parametrize(("said", "gib"), [("24GB", 24), ("24 GiB", 24), ("14.5g", 14.5)])
def test_a_bare_size(said: str, gib: float) -> None:
    card = find_gpu(said)
    assert card.usable == card.most == gib * GIB
    assert card.bf16 is None


@pytest.mark.parametrize(
    ("said", "choices"), [("A100", ["A100 40GB", "A100 80GB"]), ("V100", ["16GB", "32GB"])]
)
def test_ambiguous(said: str, choices: list[str]) -> None:
    with pytest.raises(UnknownGpu) as error:
        find_gpu(said)
    assert all(choice in str(error.value) for choice in choices)


def test_unknown_names_the_nearest() -> None:
    with pytest.raises(UnknownGpu, match=r"did you mean .*RTX 4090"):
        find_gpu("RTX 4091")


@pytest.mark.parametrize("said", ["", "GPU", "foo", "0GB", "9000 GB", "RTX"])
def test_refused(said: str) -> None:
    with pytest.raises(UnknownGpu):
        find_gpu(said)


def test_the_table_is_what_the_tool_makes_of_the_measurements() -> None:
    made, _ = build_gpus.table(ROOT / "tests" / "data" / "gpus.json")
    assert build_gpus.TARGET.read_text() == made, (
        "run: python tools/build_gpus.py tests/data/gpus.json"
    )
