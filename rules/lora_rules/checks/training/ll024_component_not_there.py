"""Rule LL024, component-not-there."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import VersionRange
from lora_rules.evidence import TORCHTUNE_WHEELS
from lora_rules.recipe import Block, Blocks, Key

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins
    from lora_rules.libraries.components import Component


@rule(
    "LL024",
    Severity.ERROR,
    evidence=[
        TORCHTUNE_WHEELS.says(
            "Which names each public module offers, in 8 releases and the development version; "
            "instantiate raises InstantiationError for a path that leads to nothing (run)."
        )
    ],
    without_adapter=True,
)
def component_not_there(blocks: Blocks, framework: Behaviour, pins: Pins) -> Iterator[Problem]:
    """A `_component_` of torchtune's that the versions which the repository allows do not have.

    ## What it checks
    Every `_component_` that begins with `torchtune.`, against the names of its public modules, and
    one that is no dotted path.

    - An error where no version that is allowed has the name.
    - A warning where only the newest lacks it, or where it was removed and nothing is pinned.
    - Not checked: a path through a private module, and components of other packages.

    ## Why it matters
    torchtune raises InstantiationError when it sets up the recipe, before anything is loaded.
    Releases have moved much: checkpointers and loggers from `torchtune.utils` to
    `torchtune.training` in 0.3.

    ## Bad
    ```yaml
    model:
      _component_: torchtune.models.llama3_1.lora_llama3_1_9b  # LL024
      lora_attn_modules: [q_proj, v_proj]
      lora_rank: 8
      lora_alpha: 16
    batch_size: 2
    epochs: 1
    dtype: bf16
    ```

    ## Good
    ```yaml
    model:
      _component_: torchtune.models.llama3_1.lora_llama3_1_8b
      lora_attn_modules: [q_proj, v_proj]
      lora_rank: 8
      lora_alpha: 16
    batch_size: 2
    epochs: 1
    dtype: bf16
    ```

    ## When to ignore it
    When a fork of torchtune has the component.

    ## Options
    None.
    """
    pin = pins[framework.package]
    if pin.at_commit or not framework.package:
        return
    for key in blocks[0].keys if framework.component_key else ():
        if key.name.rpartition(".")[2] == framework.component_key:
            yield from _no_path(key)
    for block in blocks[1:]:
        its_own = block.receiver.lower().startswith(f"{framework.package}.")
        if its_own and "$" not in block.receiver:
            yield from _missing(block, pin)


def _no_path(key: Key) -> Iterator[Problem]:
    """What is no dotted path leads to nothing that can be called."""
    if len(key.candidates) != 1 or key.overridable:
        return
    value = key.candidates[0]
    if isinstance(value, str) and ("." in value.strip(".") or "$" in value):
        return
    yield Problem(
        key.value_span or key.span,
        f"{key.name} = {value!r} is no dotted path of a function or class.",
        help="Write it with its package: torchtune.models.llama3_1.lora_llama3_1_8b.",
    )


def _missing(block: Block, pin: VersionRange) -> Iterator[Problem]:
    from lora_rules.libraries.components import component, nearest, now_at  # few files are its

    path = block.receiver
    known = component(path, pin)
    if known is None or known.newest:
        return
    certain = not known.some and (pin.bounded or not known.removed)
    here = f"torchtune {pin}" if pin.exact else "the newest torchtune" if known.removed else ""
    moved = now_at(path, pin)
    meant = moved or nearest(path, pin)
    yield Problem(
        block.span,
        f"{here or 'torchtune'} has no {path}{_moment(known)}: InstantiationError.",
        severity=Severity.ERROR if certain else Severity.WARNING,
        help=f"It is {moved} now." if moved else f"Did you mean {meant}?" if meant else "",
    )


def _moment(known: Component) -> str:
    if known.removed:
        return f", which was removed by {known.removed}"
    return f", which came with {known.introduced}" if known.introduced else ""
