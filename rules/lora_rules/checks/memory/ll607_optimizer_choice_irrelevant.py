"""Rule LL607, optimizer-choice-irrelevant."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    FRAMEWORK_SOURCES,
    RASCHKA_2023,
)
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.recipe import Setting


@rule(
    "LL607",
    Severity.INFO,
    evidence=[
        RASCHKA_2023.says(
            "r=256 on the 1,000 examples of LIMA did as well as on 50,000 of Alpaca; "
            "Llama-2-7B took 21.33 GB with LoRA and 14.18 GB with QLoRA (r=8, q and v, "
            "one A100)."
        ),
        FRAMEWORK_SOURCES.says(
            "Which keys each framework reads, which it drops in silence, and what it "
            "assumes instead."
        ),
    ],
)
def optimizer_choice_irrelevant(
    optim: Setting, trainable_parameters: int, *, max_gib: float = 0.5
) -> Iterator[Problem]:
    """An 8-bit or paged optimizer saves next to nothing on an adapter of this size.

    ## What it checks
    The two float32 moments that Adam would keep for the parameters that train, against `max_gib`,
    where the optimizer is an 8-bit or a paged one of bitsandbytes.

    ## Why it matters
    These optimizers were made for models that train as a whole. An adapter has a hundredth of the
    parameters: in Raschka's measurement the states of rank 8 took 17 MB.

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
