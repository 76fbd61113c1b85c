"""Rule LL607, optimizer-choice-irrelevant."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import BITSANDBYTES_SOURCE, MEMORY_SUMS
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.recipe import Setting


@rule(
    "LL607",
    Severity.INFO,
    evidence=[
        MEMORY_SUMS.says("Adam keeps two float32 moments for each parameter that trains."),
        BITSANDBYTES_SOURCE.says("8-bit optimizers keep a byte in place of four for each moment."),
    ],
)
def optimizer_choice_irrelevant(
    optim: Setting, trainable_parameters: int, *, max_gib: float = 0.5
) -> Iterator[Problem]:
    """An 8-bit or paged optimizer saves next to nothing on an adapter of this size.

    ## What it checks
    The optimizer is an 8-bit or a paged Adam of bitsandbytes, and the two float32 moments that Adam
    would keep for the parameters that train are smaller than `max_gib`.

    ## Why it matters
    The states grow with what trains, and an adapter is a small part of the model: for Llama-2-7B
    with r=8 on q and v the moments take 34 MB.

    ## Bad
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 8
    lora_alpha: 16
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    optim: paged_adamw_8bit  # LL607: paged_adamw_8bit
    ```

    ## Good
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 8
    lora_alpha: 16
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    optim: adamw_torch_fused
    ```

    ## When to ignore it
    When the run is within this of the GPU's limit.

    ## Options
    - `max_gib` (0.5): states larger than this many GiB are worth it.
    """
    name = str(optim.value).lower() if optim.known else ""
    eight, paged = "8bit" in name, name.startswith("paged")
    states = 8 * trainable_parameters
    if "adam" not in name or not (eight or paged) or states >= max_gib * GIB:
        return
    saved = states if paged else 3 * states / 4
    yield Problem(
        "optim",
        f"{optim.value} saves at most {_size(saved)}: AdamW would keep {_size(states)} for the "
        f"{trainable_parameters:,} parameters that train.",
        help="Plain AdamW (`adamw_torch_fused`) is as good here.",
    )


def _size(count: float) -> str:
    return f"{count / 2**20:.0f} MiB" if count < GIB / 10 else f"{count / GIB:.1f} GiB"
