"""Rule LL405, partial-gated-mlp."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.targets.target_names import in_transformers_5
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import BIDERMAN_2024, PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
    from lora_rules.facts.model.inventory import Inventory


@rule(
    "LL405",
    Severity.INFO,
    evidence=[
        PEFT_SOURCE.says(
            "_convert_peft_config_moe raises ValueError for up_proj without gate_proj (w1 "
            "without w3), which are fused into gate_up_proj."
        ),
        BIDERMAN_2024.says(
            "The first version left gate_proj out, for historical reasons; the final one "
            "includes it."
        ),
    ],
)
def partial_gated_mlp(
    targeted: Targeted, pinned_transformers: VersionRange = ANY
) -> Iterator[Problem]:
    """Some layers of a gated MLP are adapted, and one is left out.

    ## What it checks
    The targets name some layers of a gated MLP, such as `up_proj` and `down_proj`, and leave out
    another, such as `gate_proj`.

    - Where transformers 5 fuses the experts, PEFT wants all layers that were fused into one
      parameter, or none: an error if 5 is pinned, else a warning.

    ## Why it matters
    It is usually an oversight. Whether it costs anything was not measured: Biderman et al. left
    `gate_proj` out of their first version and took it into the final one. For fused experts PEFT
    raises ValueError.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL405: names
    model = get_peft_model(model, config)
    ```
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-30B-A3B")
    names = ["q_proj", "v_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL405: names
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    An info: when it was left out on purpose. An error: never.

    ## Options
    None.
    """
    written = targeted.written
    if targeted.half_fused is not None:
        fused = sorted(targeted.half_fused.fused)
        yield Problem(
            "target_modules",
            f"{' and '.join(fused)} are one parameter ({targeted.half_fused.parameter}) in "
            "transformers 5: PEFT raises ValueError unless both or none are named.",
            severity=in_transformers_5(pinned_transformers, Severity.ERROR),
            help=f"Name {', '.join(fused)} together.",
            edits=_completed(written, fused),
        )
    elif written is not None and not isinstance(written, str):
        parts = _gated(targeted.inventory)
        named = [part for part in parts if part in written]
        missing = [part for part in parts if part not in written]
        if named and missing and _reach(targeted, named):
            yield Problem(
                "target_modules",
                f"{', '.join(named)} of the gated MLP are adapted, {', '.join(missing)} is not.",
                help=f"Add {', '.join(missing)}, if it was forgotten.",
                edits=_completed(written, missing),
            )


def _completed(written: object, more: list[str]) -> tuple[Edit, ...]:
    if not isinstance(written, list | tuple):
        return ()
    return (Set("target_modules", list(dict.fromkeys([*written, *more]))),)


def _gated(inventory: Inventory) -> tuple[str, ...]:
    """The layers of an MLP with a gate, if the model has such."""
    for parts in (("gate_proj", "up_proj", "down_proj"), ("wi_0", "wi_1", "wo")):
        if inventory.names.issuperset(parts):
            return parts
    return ()


def _reach(targeted: Targeted, names: list[str]) -> bool:
    return any(path.rpartition(".")[2] in names for path in targeted.adapted)
