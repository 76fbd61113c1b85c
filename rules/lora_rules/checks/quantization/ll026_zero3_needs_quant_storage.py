"""Rule LL026, zero3-needs-quant-storage."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Absent, Known, Value
from lora_rules.evidence import DEEPSPEED_SOURCE, QLORA_GUIDE
from lora_rules.recipe import Setting
from lora_rules.repository import Repository


@rule(
    "LL026",
    Severity.WARNING,
    evidence=[
        DEEPSPEED_SOURCE.says(
            'Gathering asserts "all params must have the same dtype" from 0.17.2 to 0.19.2, and '
            "asks for the only dtype of the parameters before."
        ),
        QLORA_GUIDE.says("The dtype of the model is the same as bnb_4bit_quant_storage."),
    ],
)
def zero3_needs_quant_storage(
    framework: Behaviour,
    deepspeed: Value,
    load_in_4bit: bool,
    repository: Repository,
    bnb_4bit_quant_storage: Value,
    dtype: Setting | None = None,
) -> Iterator[Problem]:
    """QLoRA under ZeRO-3 with packed weights that are stored as uint8.

    ## What it checks
    A file of ms-swift with 4 bits of bitsandbytes and ZeRO-3, by the configuration of DeepSpeed or
    by its name, and no `bnb_4bit_quant_storage` other than uint8.

    - Not checked: frameworks that choose the storage type themselves, as axolotl and LLaMA-Factory.

    ## Why it matters
    ZeRO-3 gathers parameters of one dtype at a time. Packed 4-bit weights are uint8 unless another
    storage type is given, and stand among adapters and norms in 16 bits: DeepSpeed before 0.19.3
    raises at the first forward pass.

    ## Bad
    ```yaml
    model: my-company/base-7B
    tuner_type: lora
    dataset: [my/data]
    quant_method: bnb
    quant_bits: 4  # LL026
    torch_dtype: bfloat16
    deepspeed: zero3
    num_train_epochs: 1
    max_length: 2048
    ```

    ## Good
    ```yaml
    model: my-company/base-7B
    tuner_type: lora
    dataset: [my/data]
    quant_method: bnb
    quant_bits: 4
    bnb_4bit_quant_storage: bfloat16
    torch_dtype: bfloat16
    deepspeed: zero3
    num_train_epochs: 1
    max_length: 2048
    ```

    ## When to ignore it
    With DeepSpeed 0.19.3 or newer.

    ## Options
    None.
    """
    if not load_in_4bit or not framework.leaves_quant_storage:
        return
    if not _is_uint8(bnb_4bit_quant_storage):
        return
    from lora_rules.facts.memory.memory_forecast.several_gpus import zero  # few files use DeepSpeed

    if zero(deepspeed, repository).stage != 3:
        return
    wanted = dtype.value if dtype is not None and dtype.known else "the dtype of the model"
    key = framework.key("bnb_4bit_quant_storage")
    yield Problem(
        "bnb_4bit_quant_storage" if isinstance(bnb_4bit_quant_storage, Known) else "load_in_4bit",
        "ZeRO-3 gathers parameters of one dtype, and 4-bit weights are stored as uint8: DeepSpeed "
        'before 0.19.3 raises "all params must have the same dtype".',
        help=f"Add {key}: {wanted}, or take ZeRO-2.",
        also=(deepspeed.setting.span,)
        if isinstance(deepspeed, Known) and deepspeed.setting.span
        else (),
    )


def _is_uint8(storage: Value) -> bool:
    if isinstance(storage, Known):
        return storage.value in (None, "uint8")
    return isinstance(storage, Absent)
