"""Rule LL409, layer-index-out-of-range."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Add, Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import LAYERS_READ, PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
    from lora_rules.facts.model.inventory import Inventory
from lora_rules.checks.targets.target_layers import has, names


@rule(
    "LL409",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "check_target_module_exists reads a layer's number behind two names or behind "
            "layers_pattern, and skips the module if it is not chosen; parameters are not "
            "asked."
        ),
        LAYERS_READ.says(
            "Up to 0.7.1 a module whose whole path is the name is skipped as well; from 0.8.2 on "
            "it is adapted."
        ),
    ],
)
def layer_index_out_of_range(
    targeted: Targeted,
    layers_to_transform: list[int] | int,
    layers_pattern: list[str] | str | None = None,
    pinned_peft: VersionRange = ANY,
) -> Iterator[Problem]:
    """Layers are chosen that the base model does not have.

    ## What it checks
    `layers_to_transform` names layers that the base model does not have, or `layers_pattern` a list
    of layers that it does not have.

    - Also: a model without a head (`MistralModel`), whose layers PEFT finds only with
      `layers_pattern`.
    - A warning: a target that stands outside the chosen layers (with PEFT pinned below 0.8 also
      `lm_head`), and layers that are chosen where nothing in them is adapted.

    ## Why it matters
    PEFT numbers layers from 0. If no chosen layer is there, it raises; if some are, it passes over
    the others without a word, and fewer layers are trained than was meant. Fused experts are
    adapted in every layer, whatever is chosen.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=names,
        layers_to_transform=[21, 22, 23, 24],  # LL409: [21, 22, 23, 24]
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=names,
        layers_to_transform=[20, 21, 22, 23],
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    chosen = [layers_to_transform] if isinstance(layers_to_transform, int) else layers_to_transform
    if not targeted.inventory.exact or not chosen:
        return
    if not targeted.without_layers:
        if targeted.parameters:
            yield _without_effect("parameters such as fused experts are adapted in every layer")
        return
    if targeted.nothing:
        there = any(layer in targeted.inventory.layers for layer in chosen)
        bare = _lists_on_top(targeted) if there and not layers_pattern else []
        yield _on_top(bare) if bare else _nothing(targeted, layers_pattern, there=there)
        return
    absent = [layer for layer in chosen if layer not in targeted.inventory.layers]
    if absent:
        yield Problem(
            "layers_to_transform",
            f"there is no layer {', '.join(map(str, absent))}: passed over without a word "
            f"({_range(targeted.inventory)}).",
            edits=(Set("layers_to_transform", [one for one in chosen if one not in absent]),),
        )
    elif targeted.adapted and not _in_layers(targeted.adapted, chosen):
        yield _without_effect("what is adapted stands in no layer")
    left = [name for name in names(targeted) if not has(targeted.adapted, name)]
    left = [name for name in left if has(targeted.without_layers, name)]
    if pinned_peft.certainly_below("0.8"):
        left += [name for name in names(targeted) if name in targeted.adapted]
    if left:
        yield Problem(
            "target_modules",
            f"{', '.join(left)} stands outside the chosen layers and is left out without a word.",
            severity=Severity.WARNING,
            help="Remove it, or drop layers_to_transform.",
            also=("layers_to_transform",),
        )


def _nothing(targeted: Targeted, layers_pattern: object, *, there: bool) -> Problem:
    return Problem(
        "layers_pattern" if layers_pattern and there else "layers_to_transform",
        "the layers that are chosen have no target in them: PEFT raises, there is nothing to "
        f"adapt ({_range(targeted.inventory)}).",
        help=_patterns(targeted) if layers_pattern else "",
    )


def _on_top(lists: list[str]) -> Problem:
    """A model without a head, whose paths begin with the list of its layers."""
    edits: tuple[Edit, ...] = (Add("layers_pattern", lists[0]),)
    return Problem(
        "layers_to_transform",
        "PEFT looks for the number of a layer behind two names, and this model's paths begin with "
        f"{lists[0]}.0: PEFT raises, there is nothing to adapt.",
        help=f'Add layers_pattern="{lists[0]}".',
        edits=edits,
    )


def _lists_on_top(targeted: Targeted) -> list[str]:
    """The lists of layers that stand at the top of the model, if all targets are in such."""
    parts = [path.split(".") for path in targeted.without_layers]
    first = {path[0] for path in parts if len(path) > 1 and path[1].isdigit()}
    return sorted(first) if all(path[0] in first for path in parts) else []


def _without_effect(why: str) -> Problem:
    return Problem(
        "layers_to_transform",
        f"layers_to_transform has no effect: {why}.",
        severity=Severity.WARNING,
        help="Remove it.",
    )


def _in_layers(paths: tuple[str, ...], chosen: list[int]) -> bool:
    return any(str(layer) in path.split(".") for path in paths for layer in chosen)


def _range(inventory: Inventory) -> str:
    layers = inventory.layers
    return f"it has layers 0 to {max(layers)}" if layers else "it has no numbered layers"


def _patterns(targeted: Targeted) -> str:
    lists = {
        path.split(".")[at - 1]
        for path in targeted.without_layers
        for at, part in enumerate(path.split("."))
        if part.isdigit()
    }
    return f"Its layers are in {' and '.join(sorted(lists))}." if lists else ""
