"""An adapter on the output head under TRL's SFTTrainer, whose loss reads the head's weight."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import pinned_below
from lora_rules.engine.problem import Problem, Severity
from lora_rules.facts.versions.vcs_pins import held_at_revision
from lora_rules.recipe import Recipe


def adapter_on_head(recipe: Recipe) -> Iterator[Problem]:
    """TRL 1.16 raises (``sft_trainer.py``); which version began is not known, so a pin decides."""
    if not any(block.receiver == "trl.SFTTrainer" for block in recipe.blocks):
        return
    names = recipe.known("target_modules")
    if not isinstance(names, list | tuple) or "lm_head" not in names:
        return
    older = pinned_below(recipe, "trl", (1, 16))
    if older or (older is None and held_at_revision(recipe, "trl")):
        return
    yield Problem(
        "target_modules",
        "SFTTrainer of TRL 1.16 raises ValueError for an adapter on lm_head: its loss reads the "
        "head's weight itself, so that the adapter would never be trained.",
        severity=Severity.WARNING if older is None else None,
        help='Leave "lm_head" out, or train it whole with modules_to_save.',
        key="trl/adapter-on-lm-head",
    )
