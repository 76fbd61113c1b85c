"""Layers, exclusions and kinds of modules that the targets run into."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import PEFT_SOURCE
from lora_rules.rule import Problem, Set, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.inventory import Inventory
    from lora_rules.facts.targeted import Targeted

MAMBA = frozenset(["falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"])
"""Types for which PEFT refuses ``out_proj`` and ``conv1d``: their kernels bypass the adapter."""


@rule("LL409", Severity.ERROR, evidence=[PEFT_SOURCE])
def layer_index_out_of_range(
    targeted: Targeted,
    layers_to_transform: list[int] | int,
    layers_pattern: list[str] | str | None = None,
) -> Iterator[Problem]:
    """Layers are chosen that the base model does not have.

    ## What it checks
    `layers_to_transform` against the layers of the base model, where that is known, and
    `layers_pattern` against the names of its lists of layers.

    ## Why it matters
    PEFT numbers layers from 0. If no chosen layer is there, it raises; if some are, it passes over
    the others without a word, and fewer layers are trained than was meant.

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
        yield Problem(
            "layers_pattern"
            if layers_pattern and _there(targeted, chosen)
            else "layers_to_transform",
            "the layers that are chosen have no target in them: PEFT raises, there is nothing to "
            f"adapt ({_range(targeted.inventory)}).",
            help=_patterns(targeted) if layers_pattern else "",
        )
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
    left = [name for name in _names(targeted) if not _has(targeted.adapted, name)]
    left = [name for name in left if _has(targeted.without_layers, name)]
    if left:
        yield Problem(
            "target_modules",
            f"{', '.join(left)} stands outside the chosen layers and is left out without a word.",
            severity=Severity.WARNING,
            help="Remove it, or drop layers_to_transform.",
            also=("layers_to_transform",),
        )


def _without_effect(why: str) -> Problem:
    return Problem(
        "layers_to_transform",
        f"layers_to_transform has no effect: {why}.",
        severity=Severity.WARNING,
        help="Remove it.",
    )


def _in_layers(paths: tuple[str, ...], chosen: list[int]) -> bool:
    return any(str(layer) in path.split(".") for path in paths for layer in chosen)


def _names(targeted: Targeted) -> list[str]:
    names = targeted.written
    return [] if names is None or isinstance(names, str) else list(names)


def _has(paths: tuple[str, ...], name: str) -> bool:
    return any(path == name or path.endswith(f".{name}") for path in paths)


def _there(targeted: Targeted, chosen: list[int]) -> bool:
    return any(layer in targeted.inventory.layers for layer in chosen)


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


@rule("LL413", Severity.WARNING, evidence=[PEFT_SOURCE])
def exclude_modules_without_effect(
    targeted: Targeted, exclude_modules: list[str] | str, target_modules: list[str] | str
) -> Iterator[Problem]:
    """An exclusion that excludes nothing, or everything.

    ## What it checks
    `exclude_modules` against the modules of the base model, where that is known: whether it takes
    out anything at all, a name that the targets also list, or every target.

    ## Why it matters
    A name that fits nothing leaves the modules in that were to be left out; PEFT warns of it in
    the middle of a log. If nothing remains, PEFT raises.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        exclude_modules=["vision_tower"],  # LL413: ["vision_tower"]
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        exclude_modules=["k_proj"],
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When one configuration is shared by models with and without the excluded modules.

    ## Options
    None.
    """
    if not exclude_modules or targeted.half_fused or exclude_modules in (".*", ".+"):
        return
    both = _in_both(target_modules, exclude_modules)
    if both and not isinstance(target_modules, str) and len(both) == len(list(target_modules)):
        return  # LL011 says so, whatever the model is
    both = [name for name in _names(targeted) if name in both or _is_emptied(targeted, name)]
    if targeted.nothing and targeted.taken_out:
        yield Problem(
            "exclude_modules",
            "exclude_modules takes out every target: PEFT raises, no module is left to adapt.",
            severity=Severity.ERROR,
            also=("target_modules",),
        )
    elif not targeted.nothing and not targeted.excludes:
        yield Problem(
            "exclude_modules",
            "exclude_modules fits no module of the model: nothing is left out.",
            help=_paths_help(exclude_modules, targeted),
        )
    elif both:
        yield Problem(
            "exclude_modules",
            f"{', '.join(both)} of target_modules is excluded everywhere: it gets no adapter.",
            help="Name it in one of the two.",
            also=("target_modules",),
        )


def _in_both(target: list[str] | str, excluded: list[str] | str) -> list[str]:
    if isinstance(target, str) or isinstance(excluded, str):
        return []
    return [name for name in target if name in excluded]


def _is_emptied(targeted: Targeted, name: str) -> bool:
    """Whether every module of that name is taken out."""
    return _has(targeted.taken_out, name) and not _has(targeted.adapted, name)


def _paths_help(excluded: list[str] | str, targeted: Targeted) -> str:
    if isinstance(excluded, str) and targeted.adapted:
        return f"A text is matched against whole paths, such as {targeted.adapted[0]!r}."
    return "Remove it, or correct the name."


@rule("LL414", Severity.ERROR, evidence=[PEFT_SOURCE])
def unsupported_target_module(targeted: Targeted) -> Iterator[Problem]:
    """A target that PEFT cannot adapt: a norm, an activation, a whole block.

    ## What it checks
    The modules that `target_modules` names, where the base model is known: PEFT adapts linear
    layers, embeddings and convolutions. For Mamba and its hybrids it refuses `out_proj` and
    `conv1d`, too, which their kernels read past the adapter.

    ## Why it matters
    PEFT raises ValueError after the model has been loaded.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    blocks = ["self_attn", "mlp"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=blocks)  # LL414: blocks
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When the model's code is its own and has a linear layer of that name.

    ## Options
    None.
    """
    inventory = targeted.inventory
    odd = list(targeted.refused)
    owners = [path.rpartition(".")[0] for path in targeted.parameters]
    if inventory.model_type in MAMBA:
        adapted = (*targeted.adapted, *owners)
        odd += [path for path in adapted if path.endswith((".out_proj", ".conv1d"))]
    if not odd or targeted.half_fused:
        return
    inside = sorted({name.rpartition(".")[2] for name in inventory.linears if _under(name, odd)})
    at = "target_parameters" if set(odd) <= set(owners) else "target_modules"
    yield Problem(
        at,
        f"{at} names {min(odd)}, which PEFT cannot adapt: it raises ValueError.",
        help=f"Name the layers inside: {', '.join(inside)}." if inside else "Leave it out.",
    )


def _under(path: str, blocks: list[str]) -> bool:
    return any(path.startswith(f"{block}.") for block in blocks)
