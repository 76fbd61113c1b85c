"""Rule LL416, invalid-token-indices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.checks.targets.target_names import TIED_NAMES
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE
from lora_rules.program import Program

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
    from lora_rules.facts.model.inventory import Inventory


@rule(
    "LL416",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "TrainableTokensLayer reads the rows when it is built, and refuses in its first "
            "forward pass a layer that is wrapped already."
        ),
    ],
)
def invalid_token_indices(
    targeted: Targeted,
    trainable_token_indices: list[int] | dict[str, object],
    modules_to_save: list[str] | None = None,
    ensure_weight_tying: bool = False,
    program: Program | None = None,
) -> Iterator[Problem]:
    """Rows of an embedding are to be trained that PEFT cannot train.

    ## What it checks
    `trainable_token_indices` names an embedding or a row that the base model does not have, or a
    layer that `modules_to_save` or `target_modules` names, too.

    - On a model that ties embedding and head: `lm_head` saved whole beside it, or other indices for
      the two with `ensure_weight_tying`.

    ## Why it matters
    PEFT raises while it builds the adapter; an index below zero and a layer that is also saved
    whole raise in the first step.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        trainable_token_indices=[128256, 128257],  # LL416: [128256, 128257]
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(
        r=16, lora_alpha=32, target_modules="all-linear", trainable_token_indices=[128002, 128003]
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    An index beyond the table: when the embedding is resized before the adapter is made.

    ## Options
    None.
    """
    inventory = targeted.inventory
    if not trainable_token_indices or not inventory.exact or targeted.nothing:
        return
    by_layer = _by_layer(inventory, trainable_token_indices)
    saved = list(modules_to_save or ())
    resized = program is not None and program.calls.named(".resize_token_embeddings")
    for name, indices in by_layer.items():
        wrong = _token_trouble(targeted, name, indices, saved, resized=bool(resized))
        if wrong:
            yield Problem("trainable_token_indices", wrong)
            return
    if inventory.tied and not ensure_weight_tying and set(saved) & set(TIED_NAMES):
        yield Problem(
            "trainable_token_indices",
            "trainable_token_indices beside modules_to_save of a model that ties embedding and "
            "head: the first step raises.",
            also=("modules_to_save",),
        )
    elif (
        inventory.tied and ensure_weight_tying and len({str(one) for one in by_layer.values()}) > 1
    ):
        yield Problem(
            "trainable_token_indices",
            "different indices for layers that ensure_weight_tying ties: PEFT raises ValueError.",
        )


def _by_layer(inventory: Inventory, indices: object) -> Mapping[str, object]:
    if isinstance(indices, Mapping):
        return indices
    return {(inventory.embedding or "embed_tokens").rpartition(".")[2]: indices}


def _token_trouble(
    targeted: Targeted, name: str, indices: object, saved: list[str], *, resized: bool
) -> str:
    inventory = targeted.inventory
    if name in saved:
        return f"{name} also stands in modules_to_save: the first step raises ValueError."
    found = [path for path in inventory.kinds if path.endswith(name)]
    if not found:
        return f"the model has no layer {name}: PEFT raises ValueError."
    if any(path in targeted.adapted for path in found):
        return f"{name} also gets LoRA: PEFT raises TypeError."
    if inventory.kinds[found[0]] in ("other", "conv"):
        return f"{found[0]} is no embedding of tokens: PEFT raises AttributeError."
    rows = inventory.embeddings[found[0]].rows if found[0] in inventory.embeddings else None
    numbers = [one for one in indices if isinstance(one, int)] if isinstance(indices, list) else []
    if numbers and min(numbers) < 0:
        return f"token {min(numbers)}: the first step raises IndexError."
    if rows is not None and numbers and max(numbers) >= rows and not resized:
        return f"token {max(numbers)}: {name} has {rows} rows, PEFT raises IndexError."
    return ""
