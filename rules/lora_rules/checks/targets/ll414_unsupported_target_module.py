"""Rule LL414, unsupported-target-module."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


MAMBA = frozenset(["falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"])
"""Types for which PEFT refuses ``out_proj`` and ``conv1d``: their kernels bypass the adapter."""


@rule(
    "LL414",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "_create_new_module raises ValueError for other kinds of modules, "
            "_check_lora_target_modules_mamba for out_proj and conv1d of five types."
        ),
    ],
)
def unsupported_target_module(targeted: Targeted) -> Iterator[Problem]:
    """A target that PEFT cannot adapt: a norm, an activation, a whole block.

    ## What it checks
    `target_modules` names a module of the base model that PEFT cannot adapt: a norm, an activation,
    a whole block.

    - PEFT adapts linear layers, embeddings, convolutions and PyTorch's `MultiheadAttention`.
    - For Mamba and its hybrids it also refuses `out_proj` and `conv1d`, which their kernels read
      past the adapter.

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
        severity=inventory.worst(Severity.ERROR),
        help=f"Name the layers inside: {', '.join(inside)}." if inside else "Leave it out.",
    )


def _under(path: str, blocks: list[str]) -> bool:
    return any(path.startswith(f"{block}.") for block in blocks)
