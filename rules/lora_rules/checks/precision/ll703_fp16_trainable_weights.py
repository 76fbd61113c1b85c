"""Rule LL703, fp16-trainable-weights."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.precision.precision import short
from lora_rules.checks.scripts.calls import argument, base_load
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


@rule(
    "LL703",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "With float16 weights that train, the first step under a gradient scaler raises "
            '"Attempting to unscale FP16 gradients".'
        ),
        PEFT_SOURCE.says("get_peft_model casts the adapter since 0.12 (autocast_adapter_dtype)."),
    ],
)
def fp16_trainable_weights(
    framework: Behaviour,
    program: Program,
    dtype: str,
    fp16: bool = False,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
    pinned_peft: VersionRange = ANY,
) -> Iterator[Problem]:
    """The adapter's weights are float16, and float16 training needs them in float32.

    ## What it checks
    The base model is loaded in float16 and not quantized, `fp16` training is on, and the adapter is
    not cast to float32.

    - Not cast: with `autocast_adapter_dtype=False`, with PEFT pinned below 0.12, or by
      `model.add_adapter` of transformers.
    - Also in a loop with `Accelerator(mixed_precision="fp16")` and its `backward`.
    - Not checked where the script casts something itself.

    ## Why it matters
    Mixed precision scales the gradients of float32 weights. With float16 ones the first optimizer
    step raises "Attempting to unscale FP16 gradients".

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B", dtype=torch.float16)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config, autocast_adapter_dtype=False)
    args = TrainingArguments(
        output_dir="out",
        learning_rate=2e-4,
        num_train_epochs=1,
        fp16=True,  # LL703: True
    )
    trainer = Trainer(model=model, args=args)
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B", dtype=torch.float16)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    args = TrainingArguments(
        output_dir="out",
        learning_rate=2e-4,
        num_train_epochs=1,
        fp16=True,
    )
    trainer = Trainer(model=model, args=args)
    ```

    ## When to ignore it
    When the script casts the trainable parameters itself.

    ## Options
    None.
    """
    if short(dtype) != "float16" or load_in_4bit or load_in_8bit:
        return
    scaler = None if fp16 else _scaling_accelerator(program)
    if not fp16 and scaler is None:
        return
    old = pinned_peft.certainly_below("0.12")
    if not framework.direct or not (old or _stays_float16(program)):
        return
    if program.calls.named(".float", ".to", ".type"):
        return
    yield Problem(
        "fp16" if scaler is None else "dtype",
        "fp16 training with a float16 adapter: the first step raises "
        '"Attempting to unscale FP16 gradients".',
        help="Use get_peft_model with PEFT 0.12 or newer, and leave autocast_adapter_dtype on, or "
        "load the model in float32.",
        also=("dtype",) if scaler is None else (scaler.span,),
    )


def _scaling_accelerator(program: Program) -> Call | None:
    """An accelerator that certainly scales the loss of a loop."""
    calls = program.calls
    for call in calls.named("accelerate.Accelerator"):
        made = call.made
        if argument(call, "mixed_precision", "") != "fp16" or made is None:
            continue
        if calls.places(_prepares, made) and calls.places(_goes_back, made):
            return call
    return None


def _prepares(call: Call, accelerator: Thing) -> bool:
    return call.name == ".prepare" and call.on == accelerator


def _goes_back(call: Call, accelerator: Thing) -> bool:
    return call.name == ".backward" and call.on == accelerator


def _stays_float16(program: Program) -> bool:
    """Whether ``get_peft_model`` is told not to cast the adapter, or another way casts none."""
    calls = program.calls
    return bool(calls.where(_keeps_dtype)) or any(
        _is_injected(calls, call) for call in calls.named(".add_adapter")
    )


def _is_injected(calls: Calls, added: Call) -> bool:
    """Whether transformers puts an adapter into a model of its own."""
    model = added.on
    return model is not None and not model.wrapped and base_load(calls, model) is not None


def _keeps_dtype(call: Call) -> bool:
    given = call.arguments.get("autocast_adapter_dtype")
    return given is not None and given.candidates == (False,)
