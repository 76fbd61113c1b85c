"""Rule LL418, layer-replication-impossible."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.model.inventory import Inventory


@rule(
    "LL418",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "replicate_layers looks for layers, encoder.layer and h below model and bert, and "
            "raises ValueError if there is none."
        ),
    ],
)
def layer_replication_impossible(
    inventory: Inventory, layer_replication: object
) -> Iterator[Problem]:
    """Layers are to be replicated that the base model does not have.

    ## What it checks
    `layer_replication` names layers beyond the base model's, is no list of pairs, or the model is
    one whose layers PEFT does not find.

    - PEFT finds `layers`, `encoder.layer` or `h` of the innermost `model` or `bert`, not those of
      GPT-2, T5, OPT or Falcon with a head.

    ## Why it matters
    PEFT raises after the model has been loaded.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        layer_replication=[(0, 16), (8, 33)],  # LL418: [(0, 16), (8, 33)]
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        layer_replication=[(0, 16), (8, 32)],
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if not layer_replication or not inventory.exact:
        return
    where = _replicated(inventory)
    if where is None:
        yield Problem(
            "layer_replication",
            f"PEFT finds no list of layers to replicate in a {inventory.model_type} model: it "
            "raises ValueError.",
        )
        return
    ranges = layer_replication if isinstance(layer_replication, list | tuple) else [None]
    for pair in ranges:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            yield Problem(
                "layer_replication", f"{pair!r} is no pair of start and end: PEFT raises."
            )
            return
        if isinstance(pair[1], int) and pair[1] > where:
            yield Problem(
                "layer_replication",
                f"{pair!r} ends beyond the {where} layers of the model: PEFT raises IndexError.",
            )
            return


def _replicated(inventory: Inventory) -> int | None:
    """How many layers are in the list that PEFT replicates; ``None`` if it finds none."""
    prefix = ""
    for name in ("model", "bert"):
        while any(path.startswith(f"{prefix}{name}.") for path in inventory.linears):
            prefix += f"{name}."
    for name in ("layers", "encoder.layer", "h"):
        start = f"{prefix}{name}."
        indices = {
            path[len(start) :].partition(".")[0]
            for path in inventory.linears
            if path.startswith(start)
        }
        if indices:
            return len(indices)
    return None
