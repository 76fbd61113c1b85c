"""Fact ``pins``: which versions a recipe may run on, from its settings."""

from __future__ import annotations

from lora_rules.engine.injection import answers
from lora_rules.engine.version_range import ANY, VersionRange, exactly
from lora_rules.facts.versions.pins import pins
from lora_rules.recipe import Origin, Recipe, Setting, Span

BARE = Recipe("train.py", "python", "peft", Span(1, 1, 1, 1))


def with_peft(*versions: VersionRange) -> Recipe:
    pin = Setting("pinned_peft", versions, Origin.WRITTEN, "pinned_peft")
    return BARE._replace(settings={"pinned_peft": pin})


def test_where_nothing_is_said_every_version_will_do() -> None:
    (found,) = answers(pins, BARE)
    assert found["peft"] == found["trl"] == found["accelerate"] == ANY


def test_what_is_pinned_counts() -> None:
    (found,) = answers(pins, with_peft(exactly("0.15.2")))
    assert found["peft"].exact == "0.15.2"
    assert found["trl"] == ANY


def test_several_ways_to_install_are_several_worlds() -> None:
    each = answers(pins, with_peft(exactly("0.15.2"), exactly("0.10.0")))
    assert [found["peft"].exact for found in each] == ["0.15.2", "0.10.0"]
