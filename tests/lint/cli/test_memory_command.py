"""``lora-lint memory``: the text that people read, and the JSON that programs do."""

from __future__ import annotations

import io
import json

from lora_lint.cli.memory import memory
from lora_lint.engine.check import recipes_of
from lora_lint.engine.config import Config
from lora_lint.report.memory_outlook import VERSION, all_gpus
from lora_lint.sources.source import Source
from lora_rules.recipe import Recipe
from memory_recipes import AXOLOTL, FACTORY, FOUR_BIT, TRL


def recipes(text: str, **declared: object) -> tuple[Recipe, ...]:
    return tuple(recipes_of(Source("train.yaml", "yaml", text.encode()), Config(), declared))


def written(text: str, form: str = "text", **declared: object) -> str:
    stream = io.StringIO()
    memory(recipes(text, **declared), form, stream)
    return stream.getvalue()


def test_bars_are_as_long_as_their_parts() -> None:
    lines = written(TRL).splitlines()
    bars = {
        line.split("GiB")[0].strip().rsplit(" ", 1)[0].strip(): line.count("█")
        for line in lines
        if "%  █" in line
    }
    assert bars["weights"] == 40
    assert 0 < bars["checkpoints"] < 10


def test_without_a_declared_gpu_there_is_a_list_and_nothing_to_change() -> None:
    text = written(TRL)
    assert "GPUs, for the run as it stands" in text
    assert "What would help" not in text


def test_with_a_gpu_that_is_too_small_changes_come_with_their_peak() -> None:
    text = written(FACTORY, gpu="RTX 4080")
    assert "On GeForce RTX 4080" in text
    assert "does not fit, even at the low end" in text
    assert text.index("`enable_liger_kernel: true`") < text.index("a 4-bit base")


def test_with_a_gpu_that_is_large_enough_nothing_is_proposed() -> None:
    text = written(FACTORY, gpu="H200")
    assert "fits, even at the high end" in text
    assert "What would help" not in text


def test_what_cannot_be_told_says_why() -> None:
    text = written(FACTORY + "use_megatron_bridge: true\n", gpu="H200")
    assert "cannot be told: Megatron's training loop is not modelled." in text
    assert "at least 15.0 GiB" in text
    assert "GPUs" not in text


def test_an_unknown_gpu_is_said_and_the_rest_goes_on() -> None:
    text = written(TRL, gpu="RTX 4900")
    assert "no GPU called 'RTX 4900'" in text
    assert "GPUs, for the run as it stands" in text


def test_every_card_is_in_exactly_one_list() -> None:
    (found,) = json.loads(written(AXOLOTL, "json"))["recipes"][0]["forecasts"]
    names = [name for names in found["gpus"].values() for name in names]
    assert sorted(names) == sorted(gpu.name for gpu in all_gpus())
    assert "Tesla T4" in found["gpus"]["no bf16"]
    assert "H200" in found["gpus"]["fits"]
    assert found["gpus"]["fits"][-1] == "B300"


def test_the_json_has_a_version_and_numbers_that_add_up() -> None:
    document = json.loads(written(FACTORY, "json", gpu="RTX 4080"))
    assert document["version"] == VERSION == 1
    (recipe,) = document["recipes"]
    assert recipe["gpu"] == "GeForce RTX 4080"
    assert recipe["unknown"] is None
    (found,) = recipe["forecasts"]
    assert abs(sum(found["parts"].values()) - found["allocated"]) < 20
    assert found["band"]["low"] < found["allocated"] < found["band"]["high"]
    assert found["outlook"] == "no"
    assert found["changes"]
    assert all(each["allocated"] < found["allocated"] for each in found["changes"])


def test_the_json_of_what_is_unknown_has_no_number() -> None:
    (recipe,) = json.loads(written(AXOLOTL + "torch_compile: true\n", "json"))["recipes"]
    assert recipe["forecasts"] == []
    assert recipe["unknown"] == "a compiled step is not modelled"


def test_nothing_to_tell() -> None:
    stream = io.StringIO()
    memory((), "text", stream)
    assert stream.getvalue() == "No LoRA recipe here.\n"


def test_a_stream_without_blocks_gets_number_signs() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    memory(recipes(TRL + FOUR_BIT), "text", stream)
    stream.flush()
    assert b"####" in raw.getvalue()
    assert b"\\u2588" not in raw.getvalue()
