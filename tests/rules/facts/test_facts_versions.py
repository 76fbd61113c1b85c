"""Which version a recipe runs on: one answer, from its settings."""

from __future__ import annotations

from lora_rules.engine.version_range import ANY, exactly, union
from lora_rules.facts.versions import version_of
from lora_rules.recipe import Origin, Recipe, Setting, Span

BARE = Recipe("train.py", "python", "peft", Span(1, 1, 1, 1))


def test_where_nothing_is_said_every_version_will_do() -> None:
    assert version_of(BARE, "peft") == ANY


def test_what_is_pinned_counts() -> None:
    pin = Setting("pinned_peft", (exactly("0.15.2"),), Origin.WRITTEN, "pinned_peft")
    recipe = BARE._replace(settings={"pinned_peft": pin})
    assert version_of(recipe, "peft").exact == "0.15.2"
    assert version_of(recipe, "trl") == ANY


def test_of_several_ways_to_install_all_count() -> None:
    both = (exactly("0.15.2"), exactly("0.10.0"))
    pin = Setting("pinned_peft", both, Origin.WRITTEN, "pinned_peft")
    recipe = BARE._replace(settings={"pinned_peft": pin})
    assert version_of(recipe, "peft") == union(both)


def test_what_a_notebook_installs_is_known_before_the_repository_is() -> None:
    recipe = BARE._replace(pins={"peft": exactly("0.15.2")})
    assert version_of(recipe, "peft").exact == "0.15.2"
