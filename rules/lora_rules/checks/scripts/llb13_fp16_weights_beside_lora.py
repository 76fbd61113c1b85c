"""Rule LLB13, fp16-weights-beside-lora."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    Training,
    adapted,
    base_load,
    comes_before,
    trainings,
)
from lora_rules.checks.scripts.float16 import is_float16, may_cast, whole_weights
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value
from lora_rules.engine.views import Outline
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


@rule(
    "LLB13",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "Over a float16 base LoRA is float32; saved modules, biases and all of a model "
            "after half() are float16, which the gradient scaler refuses."
        ),
    ],
)
def fp16_weights_beside_lora(
    program: Program,
    outline: Outline,
    fp16: bool,
    modules_to_save: Value,
    bias: Value,
    task_type: Value,
) -> Iterator[Problem]:
    """Float16 weights are trained beside LoRA's, and float16 training refuses them.

    ## What it checks
    `fp16` training of a base that is loaded in float16, with `modules_to_save`, with a `bias` other
    than "none", with a task type whose head PEFT trains (SEQ_CLS, TOKEN_CLS), or with
    `model.half()` after `get_peft_model`.

    ## Why it matters
    PEFT keeps LoRA's matrices in float32, so that mixed precision can scale their gradients. Copies
    of whole modules and biases keep the base's float16, and `half()` undoes it for all: the first
    optimizer step raises "Attempting to unscale FP16 gradients".

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype=torch.float16)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora).half()  # LLB13: get_peft_model(base, lora).half()
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4, fp16=True)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype=torch.float16)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4, fp16=True)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    if not fp16 or outline.callee != "peft.LoraConfig":
        return
    for use, model in adapted(calls, outline.span):
        load = base_load(calls, model)
        if load is None or not load.certain_after(use) or not is_float16(load):
            continue
        if may_cast(calls, model):
            continue
        for training in trainings(calls, model):
            if not training.setup.name.startswith("torch."):
                yield from _half(calls, use, training)
                yield from _whole(modules_to_save, bias, task_type)
                return


def _halves(call: Call, model: Thing) -> bool:
    return call.name == ".half" and call.on == model


def _half(calls: Calls, use: Call, training: Training) -> Iterator[Problem]:
    for place in calls.places(_halves, training.model):
        call = calls[place]
        if comes_before(calls, use, call, training.start) and use.certain_after(call):
            yield Problem(
                call.span,
                "half() makes LoRA's weights float16, and fp16 training refuses to scale their "
                'gradients: "Attempting to unscale FP16 gradients".',
                help="Leave out half().",
                also=("fp16",),
            )


def _whole(modules_to_save: Value, bias: Value, task_type: Value) -> Iterator[Problem]:
    for name, what in whole_weights(modules_to_save, bias, task_type):
        yield Problem(
            name,
            f"{what} of the float16 base, and fp16 training refuses to scale "
            'their gradients: "Attempting to unscale FP16 gradients".',
            help="Load the base in float32, or train in bf16.",
            also=("fp16",),
        )
