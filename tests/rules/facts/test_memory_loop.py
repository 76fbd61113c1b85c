"""The training loop: what follows from trainer and version, and what is assumed and said."""

import pytest

from lora_rules.engine.trainer import LossPath
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.loop import (
    Attention,
    Known,
    attention_kernel,
    derive_loop,
    loss_path,
    parse_loss,
)


@pytest.mark.parametrize(
    ("trainer", "version", "expected"),
    [
        ("trl", None, LossPath.CHUNKED),
        ("trl", (1, 16), LossPath.CHUNKED),
        ("trl", (1, 6), LossPath.TRAINER),
        ("transformers", (4, 40), LossPath.TRAINER),
        ("unsloth", None, LossPath.CUT),
    ],
)
def test_who_computes_the_loss(trainer, version, expected):
    assert loss_path(trainer, version)[0] is expected


def test_liger_and_cut():
    assert loss_path("transformers", liger=True)[0] is LossPath.LIGER
    assert loss_path("axolotl", cut=True)[0] is LossPath.CUT
    assert loss_path("trl", (1, 16), liger=True)[0] is LossPath.CHUNKED
    with pytest.raises(Unknown, match="nemo"):
        loss_path("nemo")


def test_what_is_not_known_of_a_loop_is_assumed_and_said():
    found = derive_loop(Known("trl", quantization="nf4", autocast="bf16"))
    assert found.loop.adapter == "bf16"
    assert not found.loop.prepared
    assert found.loop.mask
    text = "; ".join(found.assumptions)
    assert "newest known trl" in text
    assert "kbit" in text


def test_nothing_is_said_of_what_is_known():
    known = Known(
        "transformers",
        (5, 0),
        dtype="fp16",
        adapter="fp32",
        padded=False,
        attention="flash_attention_2",
    )
    found = derive_loop(known)
    assert found.assumptions == ()
    assert found.loop.base == "fp16"
    assert found.loop.attention is Attention.FLASH


@pytest.mark.parametrize(
    ("version", "by_name", "dtype"),
    [
        ((1, 16), True, "fp32"),
        (None, True, "fp32"),
        ((0, 27), True, "fp32"),
        ((0, 26), True, "bf16"),
        ((0, 15), True, "bf16"),
        (None, False, "bf16"),
    ],
)
def test_trl_loads_float32_by_name(version, by_name, dtype):
    assert derive_loop(Known("trl", version, by_name=by_name)).loop.base == dtype


def test_who_prepares_for_kbit_training():
    def loop(trainer, version):
        return derive_loop(Known(trainer, version, quantization="nf4")).loop

    assert loop("trl", (0, 12)).prepared
    assert loop("trl", (0, 25)).prepared
    assert not loop("trl", (0, 26)).prepared
    assert not loop("axolotl", None).prepared
    assert not loop("trl", (1, 16)).prepared
    assert loop("trl", (0, 12)).adapter == "fp32"


def test_kernels():
    assert attention_kernel("sdpa", padded=False) is Attention.FLASH
    assert attention_kernel("sdpa", padded=True) is Attention.EFFICIENT
    assert attention_kernel("sdpa", padded=False, modern_gpu=False) is Attention.EFFICIENT
    assert attention_kernel("eager", padded=True) is Attention.EAGER
    assert attention_kernel("flash_attention_2", padded=True) is Attention.FLASH
    with pytest.raises(Unknown, match="flex"):
        attention_kernel("flex_attention", padded=False)


def test_an_unknown_loss_path_is_unknown():
    assert parse_loss("liger") is LossPath.LIGER
    with pytest.raises(Unknown, match="there are trainer"):
        parse_loss("magic")
