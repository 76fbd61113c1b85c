"""Behaviours: what a framework overrides is there to be overridden, and the rest are defaults."""

from __future__ import annotations

from importlib import import_module

import pytest

from conftest import ROOT
from lora_lint.translate.framework import names
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.launch import LaunchBehaviour
from lora_rules.engine.trainer import TrainerBehaviour
from lora_rules.facts.memory import band
from lora_rules.frameworks import behaviour_of, launch_of, trainer_named
from lora_rules.frameworks.registry import strange_attributes

RULES = ROOT / "rules" / "lora_rules"
PARTS = {
    "behaviour": ("Framework", Behaviour),
    "trainer": ("Trainer", TrainerBehaviour),
    "launch": ("Launch", LaunchBehaviour),
}
MODULES = [
    (f"lora_rules.{package}.{path.parent.name}.{part}", *PARTS[part])
    for package in ("frameworks", "libraries")
    for part in PARTS
    for path in sorted((RULES / package).glob(f"*/{part}.py"))
]


@pytest.mark.parametrize(("module", "name", "base"), MODULES)
def test_nothing_is_overridden_that_nobody_reads(module: str, name: str, base: type) -> None:
    own = getattr(import_module(module), name)
    assert issubclass(own, base)
    assert strange_attributes(own, base) == []


def test_a_misspelt_attribute_is_named_with_the_nearest() -> None:
    own = type("Framework", (Behaviour,), {"supervized": True, "supervised": True})
    said = "a Behaviour has no supervized; did you mean supervised?"
    assert strange_attributes(own, Behaviour) == [said]


@pytest.mark.parametrize(("module", "name", "base"), MODULES)
def test_what_is_overridden_is_another_value(module: str, name: str, base: type) -> None:
    """A default that is written down again would stay when the default changes."""
    own = getattr(import_module(module), name)
    values = {key: value for key, value in vars(own).items() if not key.startswith("__")}
    assert [key for key, value in values.items() if vars(base).get(key, ...) == value] == []


@pytest.mark.parametrize("name", names())
def test_every_framework_has_a_behaviour_by_its_name(name: str) -> None:
    found = behaviour_of(name, "Its Label")
    assert (found.name, found.label) == (name, "Its Label")
    assert behaviour_of(name, "Its Label") is found


def test_who_has_none_of_its_own_gets_the_defaults() -> None:
    for name in ("h2o-llmstudio", "nobody", "../axolotl", "", "behaviour"):
        assert type(behaviour_of(name)) is Behaviour
    assert behaviour_of("verl").label == "verl"
    assert behaviour_of("peft").label == "PEFT"
    assert launch_of("verl") is None
    with pytest.raises(KeyError):
        trainer_named("verl")


def test_each_trainer_that_a_framework_names_is_there() -> None:
    for name in (*names(), "peft", "unsloth", "xtuner"):
        behaviour = behaviour_of(name)
        for trainer in filter(None, (behaviour.trainer, *behaviour.trainer_switches.values())):
            found = trainer_named(trainer)
            assert found.name == trainer
            assert not found.band or isinstance(getattr(band, found.band), band.Factors)


def test_a_library_s_own_and_a_framework_s_own_of_one_name_are_both_found() -> None:
    assert behaviour_of("trl").loads_by_name
    assert trainer_named("trl").classes == {"trl.SFTTrainer"}
    assert behaviour_of("unsloth").trainer == trainer_named("unsloth").name
