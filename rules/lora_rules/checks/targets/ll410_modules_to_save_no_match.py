"""Rule LL410, modules-to-save-no-match."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE
from lora_rules.facts.adapter.saved_modules import SAVED_BY_TASK

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
    from lora_rules.facts.model.inventory import Inventory
from lora_rules.checks.targets.heads import leaf

OWN = ("default", "base_layer", "lora_A", "lora_B", "lora_dropout", "lora_magnitude_vector")
"""Modules that LoRA itself adds, inside the layers that it adapts."""


@rule(
    "LL410",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "_set_trainable wraps each module whose path ends in a name, and raises TypeError "
            "for a LoRA layer or a ModuleList; what fits nothing it skips."
        ),
    ],
)
def modules_to_save_no_match(
    framework: Behaviour,
    targeted: Targeted,
    modules_to_save: list[str] | None = None,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
    exclude_modules: list[str] | str | None = None,
    task_type: str | None = None,
) -> Iterator[Problem]:
    """A module that is to be trained whole is not there, or cannot be.

    ## What it checks
    A name in `modules_to_save` that fits no module of the base model.

    - An error where PEFT raises: the name also fits a layer that gets LoRA (PEFT compares the ends
      of paths without a dot, so `proj` fits `q_proj`), a list of layers, a part of LoRA itself, a
      quantized layer, or every target.
    - A warning where a name fits a module and another one inside it.
    - An info where a target gets no adapter because `task_type` has it saved whole.

    ## Why it matters
    A name that fits nothing is passed over without a word: the head or the embedding that was to be
    trained stays frozen. Of a module inside another the copy gets no gradient.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        modules_to_save=["lm_haed"],  # LL410: ["lm_haed"]
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(
        r=16, lora_alpha=32, target_modules="all-linear", modules_to_save=["lm_head"]
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When one configuration is shared by models that have the module and models that do not.

    ## Options
    None.
    """
    inventory = targeted.inventory
    if framework.saves_modules_itself:
        return
    if targeted.nothing:
        by = "modules_to_save" if modules_to_save else "task_type"
        if targeted.taken_out and not exclude_modules:
            yield Problem(
                by,
                f"{by} has every target trained whole: PEFT raises, no module is left to adapt.",
                severity=inventory.worst(Severity.ERROR),
                also=("target_modules",),
            )
        return
    of_task = SAVED_BY_TASK.get(task_type or "", ())
    names = [*(modules_to_save or ()), *of_task]
    wrong = _impossible(targeted, names, quantized=load_in_4bit or load_in_8bit)
    if wrong:
        yield Problem("modules_to_save", wrong, severity=inventory.worst(Severity.ERROR))
        return
    if not exclude_modules:
        yield from _dropped(targeted, modules_to_save or ())
    missing = [name for name in modules_to_save or () if _fits_nothing(inventory, name)]
    if missing:
        yield Problem(
            "modules_to_save",
            f"a {inventory.model_type} model has no module whose name ends in "
            f"{' or '.join(map(repr, missing))}: passed over without a word.",
            help=_nearest(inventory, missing),
        )
    nested = _nested(inventory, names)
    if nested:
        yield Problem(
            "modules_to_save",
            f"modules_to_save fits {nested[0]} and {nested[1]} inside it: PEFT copies both, and "
            "one copy gets no gradient.",
            help="Give the path of the one that is meant.",
        )


def _nested(inventory: Inventory, names: list[str]) -> tuple[str, str] | None:
    ends = tuple(names)
    fits = sorted(path for path in inventory.kinds if path.endswith(ends))
    return next(((a, b) for a, b in pairwise(fits) if b.startswith(f"{a}.")), None)


def _dropped(targeted: Targeted, saved: Collection[str]) -> Iterator[Problem]:
    """Targets that get no adapter because the task has them trained whole."""
    written = targeted.written
    names = [] if written is None or isinstance(written, str) else list(written)
    both = [
        name
        for name in names
        if name not in saved
        and _fits(name, targeted.taken_out)
        and not _fits(name, targeted.adapted)
    ]
    if both:
        yield Problem(
            "target_modules",
            f"{', '.join(both)} among the targets gets no adapter: it is trained whole.",
            severity=Severity.INFO,
            help="Leave it out of target_modules.",
            also=("task_type",),
        )


def _fits(name: str, paths: Collection[str]) -> bool:
    return any(path == name or path.endswith(f".{name}") for path in paths)


def _fits_nothing(inventory: Inventory, name: str) -> bool:
    from lora_rules.facts.model.other_modules import is_named_in

    return not any(path.endswith(name) for path in inventory.kinds) and not is_named_in(
        inventory.model_type, leaf(name)
    )


def _impossible(targeted: Targeted, names: list[str], *, quantized: bool) -> str:
    """Why PEFT raises, if it does."""
    inventory = targeted.inventory
    ends = tuple(names)
    own = next((one for name in names for one in OWN if one.endswith(name)), None)
    if own is not None and targeted.adapted:
        return f"modules_to_save also fits {own}, a part of every adapter: PEFT raises."
    wrapped = [path.rpartition(".")[0] for path in targeted.parameters]
    hit = next((path for path in (*targeted.adapted, *wrapped) if path.endswith(ends)), None)
    if hit is not None:
        return (
            f"modules_to_save also fits {hit}, which gets LoRA: PEFT raises TypeError (it compares "
            "the ends of paths, without a dot)."
        )
    lists = next((path for path in _lists(inventory) if path.endswith(ends)), None)
    if lists is not None:
        return f"modules_to_save fits {lists}, a list of layers: PEFT raises TypeError."
    inside = [path for path in inventory.linears if path.endswith(ends) and ".layers." in path]
    if quantized and inside:
        return (
            f"modules_to_save fits {inside[0]}, which is quantized: it cannot be trained whole, "
            "PyTorch raises RuntimeError."
        )
    return ""


def _lists(inventory: Inventory) -> Iterator[str]:
    """The lists of whole layers, which are no modules that could be copied."""
    found = set()
    for path in inventory.linears:
        parts = path.split(".")
        at = next((at for at, part in enumerate(parts) if part.isdigit()), 0)
        if at and at < len(parts) - 2:
            found.add(".".join(parts[:at]))
    yield from sorted(found)


def _nearest(inventory: Inventory, missing: list[str]) -> str:
    from difflib import get_close_matches  # only for a message

    top = {leaf(path) for path in inventory.kinds if not any(map(str.isdigit, path))}
    near = [close[0] for name in missing if (close := get_close_matches(name, sorted(top), n=1))]
    return f"Did you mean {', '.join(near)}?" if near else ""
