"""Gradients that cannot be scaled, or that never arrive."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.calls import (
    UNKNOWN,
    Training,
    adapted,
    after,
    argument,
    base_load,
    has_own_code,
    is_unknown,
    maker,
    of,
    peft_wraps,
    pinned_below,
    trainings,
)
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS, TRANSFORMERS_SOURCE
from lora_rules.recipe import Call, Recipe
from lora_rules.rule import Problem, Severity, rule

Calls = tuple[Call, ...]


@rule("LLB13", Severity.ERROR, evidence=[SCRIPT_RUNS, PEFT_SOURCE])
def fp16_weights_beside_lora(script: Recipe, fp16: bool) -> Iterator[Problem]:
    """Float16 weights are trained beside LoRA's, and float16 training refuses them.

    ## What it checks
    `fp16` training of a base that is loaded in float16, with `modules_to_save`, with a `bias` other
    than "none", or with `model.half()` after `get_peft_model`.

    ## Why it matters
    PEFT keeps LoRA's matrices in float32, so that mixed precision can scale their gradients. Copies
    of whole modules and biases keep the base's float16, and `half()` undoes it for all: the first
    optimizer step raises "Attempting to unscale FP16 gradients" (peft#341, transformers#23165).

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype=torch.float16)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora).half()  # LLB13: get_peft_model(base, lora).half()
    args = TrainingArguments("out", learning_rate=2e-4, fp16=True)
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
    args = TrainingArguments("out", learning_rate=2e-4, fp16=True)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = script.calls
    if not fp16 or script.callee != "peft.LoraConfig":
        return
    for use, model in adapted(script):
        load = base_load(calls, model)
        if load is None or not load.certain_after(use) or not _is_float16(load):
            continue
        if any(_casts_up(call, model.number) for call in calls):
            continue
        for training in trainings(calls):
            if training.model == model and not training.setup.name.startswith("torch."):
                yield from _half(calls, use, training)
                yield from _whole(script)
                return


def _is_float16(load: Call) -> bool:
    dtype = argument(load, "dtype", argument(load, "torch_dtype", None))
    quantized = load.arguments.keys() & {"quantization_config", "load_in_4bit", "load_in_8bit"}
    return dtype in ("float16", "torch.float16", "half") and not quantized


def _casts_up(call: Call, number: int) -> bool:
    casts = (".float", ".to", ".type", ".add_adapter", "=data")
    return call.on is not None and call.on.number == number and call.name in casts


def _half(calls: Calls, use: Call, training: Training) -> Iterator[Problem]:
    for call in after(calls, use):
        if call is training.start:
            return
        if call.name == ".half" and call.on == training.model and use.certain_after(call):
            yield Problem(
                call.span,
                "half() makes LoRA's weights float16, and fp16 training refuses to scale their "
                'gradients: "Attempting to unscale FP16 gradients".',
                help="Leave out half().",
                also=("fp16",),
            )


def _whole(recipe: Recipe) -> Iterator[Problem]:
    saved, bias = recipe.known("modules_to_save"), recipe.known("bias")
    for name, is_on in (("modules_to_save", bool(saved)), ("bias", bias in ("all", "lora_only"))):
        if is_on:
            yield Problem(
                name,
                f"{name} trains weights of the float16 base, and fp16 training refuses to scale "
                'their gradients: "Attempting to unscale FP16 gradients".',
                help="Load the base in float32, or train in bf16.",
                also=("fp16",),
            )


@rule("LLB14", Severity.ERROR, evidence=[SCRIPT_RUNS, TRANSFORMERS_SOURCE])
def checkpointing_without_input_grads(script: Recipe) -> Iterator[Problem]:
    """Reentrant gradient checkpointing of a LoRA whose inputs require no gradient.

    ## What it checks
    transformers' `Trainer` with `gradient_checkpointing=True` on a model from `get_peft_model`,
    without `enable_input_require_grads()` or `prepare_model_for_kbit_training`: with
    `use_reentrant=True` for a vision model; and for any model where the repository pins
    transformers 4, whose default is reentrant. TRL and Unsloth do it themselves; models with
    code of their own are left alone.

    ## Why it matters
    A reentrant checkpoint passes gradients on only if one of its inputs requires one. With the
    embedding frozen none does: LoRA's matrices get no gradient. Where a head is trained beside
    them, the run goes on and trains the head alone; else the backward pass raises "element 0 of
    tensors does not require grad" (peft#137, FastChat#581, self-llm#172). transformers 5
    checkpoints without reentry and sets the hook for models that take `input_ids`.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageClassification, Trainer, TrainingArguments

    base = AutoModelForImageClassification.from_pretrained("google/vit-base-patch16-224")
    lora = LoraConfig(
        r=16, lora_alpha=32, target_modules="all-linear", modules_to_save=["classifier"]
    )
    model = get_peft_model(base, lora)
    args = TrainingArguments(
        "out",
        learning_rate=2e-4,
        gradient_checkpointing=True,
        gradient_checkpointing_kwargs={"use_reentrant": True},  # LLB14: {"use_reentrant": True}
    )
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageClassification, Trainer, TrainingArguments

    base = AutoModelForImageClassification.from_pretrained("google/vit-base-patch16-224")
    lora = LoraConfig(
        r=16, lora_alpha=32, target_modules="all-linear", modules_to_save=["classifier"]
    )
    model = get_peft_model(base, lora)
    args = TrainingArguments(
        "out",
        learning_rate=2e-4,
        gradient_checkpointing=True,
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = script.calls
    for wrap in peft_wraps(calls):
        for training in trainings(calls):
            args = maker(calls, training.setup.things.get("args"))
            if training.model != wrap.made or args is None:
                continue
            if not training.setup.name.startswith("transformers.") or wrap.made is None:
                continue
            if argument(args, "gradient_checkpointing", False) is not True:
                continue
            kwargs = argument(args, "gradient_checkpointing_kwargs", None)
            load = base_load(calls, wrap.made)
            if kwargs is UNKNOWN or load is None or has_own_code(load):
                continue
            if not _fails(script, load, kwargs):
                continue
            if not any(_sets_input_grads(call, training) for call in calls):
                key = "gradient_checkpointing"
                setting = args.arguments.get(f"{key}_kwargs") or args.arguments[key]
                yield Problem(
                    setting.span,
                    "no input of a checkpoint requires a gradient, because LoRA freezes the "
                    "embedding: LoRA gets no gradient, and without a head the backward pass fails.",
                    help='Set gradient_checkpointing_kwargs={"use_reentrant": False}, or call '
                    "model.enable_input_require_grads().",
                    also=(wrap.span,),
                )


def _fails(recipe: Recipe, load: Call, kwargs: object) -> bool:
    reentrant = kwargs.get("use_reentrant") if isinstance(kwargs, dict) else None
    if any(word in load.name for word in ("Image", "Vision", "ViT", "Swin", "Dinov2")):
        return reentrant is True
    return reentrant is not False and pinned_below(recipe, "transformers", (5,)) is True


def _sets_input_grads(call: Call, training: Training) -> bool:
    if call.name.startswith("peft.prepare_model_for_"):
        return training.model in call.things.values()
    names = (
        ".enable_input_require_grads",
        ".gradient_checkpointing_enable",
        ".register_forward_hook",
        ".add_adapter",
    )
    return is_unknown(call, training.model) or (of(call, training.model) and call.name in names)
