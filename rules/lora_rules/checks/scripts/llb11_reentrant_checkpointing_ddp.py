"""Rule LLB11, reentrant-checkpointing-ddp."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    UNKNOWN,
    argument,
    argument_is,
    checkpointing_kwargs,
    comes_before,
    peft_wraps,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import RELEASES_READ, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Setting, Thing


@rule(
    "LLB11",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "DDP that looks for unused parameters raises for reentrant checkpoints of a LoRA, "
            "and not for others."
        ),
        RELEASES_READ.says(
            "Trainer of transformers sets find_unused_parameters to True for a model that is no "
            "PreTrainedModel."
        ),
    ],
)
def reentrant_checkpointing_ddp(
    program: Program, pinned_transformers: VersionRange = ANY
) -> Iterator[Problem]:
    """Reentrant gradient checkpointing of a LoRA under DDP that looks for unused parameters.

    ## What it checks
    Gradient checkpointing with `use_reentrant=True` in the training arguments, or in
    `gradient_checkpointing_enable`, of a script that runs under DDP and looks for unused
    parameters.

    - That is: `ddp_find_unused_parameters=True`, a call of `init_process_group` and no word on
      unused parameters, or in a loop of its own `find_unused_parameters=True` for accelerate's
      `Accelerator` or `DistributedDataParallel`.
    - Not checked with `deepspeed` or `fsdp`.

    ## Why it matters
    A reentrant checkpoint runs a backward pass inside the backward pass, and DDP then sees
    parameters twice: "Expected to mark a variable ready only once". For a PeftModel the Trainer
    looks for unused parameters unless `ddp_find_unused_parameters` says otherwise.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig(
        "out",
        num_train_epochs=1,
        learning_rate=2e-4,
        max_length=2048,
        ddp_find_unused_parameters=True,
        gradient_checkpointing_kwargs={"use_reentrant": True},  # LLB11
    )
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig(
        "out",
        num_train_epochs=1,
        learning_rate=2e-4,
        max_length=2048,
        ddp_find_unused_parameters=False,
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    When the script is only ever run in one process.

    ## Options
    None.
    """
    calls = program.calls
    yield from _in_own_loop(calls, pinned_transformers)
    starts = calls.last_named("init_process_group")[:1]
    for trainer in calls.trainers():
        args = calls.maker(trainer.things.get("args"))
        if args is None:
            continue
        if argument(args, "deepspeed", None) is not None or argument(args, "fsdp", None):
            continue
        unused = argument(args, "ddp_find_unused_parameters", None)
        started = any(calls.position(call) < calls.position(trainer) for call in starts)
        kwargs = checkpointing_kwargs(args)
        if unused is not True and not (started and unused is None):
            continue
        if kwargs is None or not _is_reentrant(kwargs.candidates):
            continue
        if not _is_off(args):
            yield Problem(
                kwargs.span,
                "a reentrant checkpoint marks LoRA's parameters ready twice, and DDP that looks "
                "for unused parameters raises RuntimeError.",
                help='Set {"use_reentrant": False}, or ddp_find_unused_parameters=False.',
                also=(args.span,),
            )


def _in_own_loop(calls: Calls, transformers: VersionRange) -> Iterator[Problem]:
    """The same without a trainer: the model is wrapped by the script, or by accelerate."""
    enabled = calls.named(".gradient_checkpointing_enable")
    if not enabled:
        return
    adapted = {wrap.made for wrap in peft_wraps(calls)}
    for enable in enabled:
        model = enable.on
        if model is None or model not in adapted or not _reenters(enable, transformers):
            continue
        for wrapped, finds in _wrapped_in_ddp(calls, model):
            if comes_before(calls, enable, wrapped) and enable.certain_after(wrapped):
                given = _checkpoint_kwargs(enable)
                yield Problem(
                    given.span if given is not None else enable.span,
                    "a reentrant checkpoint marks LoRA's parameters ready twice, and DDP that "
                    "looks for unused parameters raises RuntimeError.",
                    help='Pass gradient_checkpointing_kwargs={"use_reentrant": False}, or leave '
                    "find_unused_parameters out.",
                    also=(finds.span,),
                )


def _reenters(enable: Call, transformers: VersionRange) -> bool:
    """Whether it makes reentrant checkpoints, which was the default of transformers 4."""
    given = _checkpoint_kwargs(enable)
    if given is None or argument_is(given, None):
        return enable.complete and transformers.certainly_below("5")
    return _is_reentrant(given.candidates)


def _checkpoint_kwargs(enable: Call) -> Setting | None:
    return enable.arguments.get("gradient_checkpointing_kwargs") or enable.arguments.get("0")


def _wrapped_in_ddp(calls: Calls, model: Thing) -> Iterator[tuple[Call, Call]]:
    """Where a model is wrapped, and the call that asks to look for unused parameters."""
    for call in calls.touching(model):
        if call.name.endswith(".DistributedDataParallel") and call.things.get("0") == model:
            if argument(call, "find_unused_parameters", False) is True:
                yield call, call
        elif call.name in (".prepare", ".prepare_model"):
            maker = calls.maker(call.on)
            if maker is None or maker.name != "accelerate.Accelerator":
                continue
            for role, thing in maker.things.items():
                handler = calls.maker(thing)
                if role.startswith("kwargs_handlers.") and _finds_unused(handler):
                    assert handler is not None  # noqa: S101
                    yield call, handler


def _finds_unused(handler: Call | None) -> bool:
    return (
        handler is not None
        and handler.name.endswith(".DistributedDataParallelKwargs")
        and argument(handler, "find_unused_parameters", UNKNOWN) is True
    )


def _is_off(arguments: Call) -> bool:
    """Whether the arguments say that checkpointing is off."""
    names = ("gradient_checkpointing", "activation_checkpointing")
    said = [arguments.arguments[name] for name in names if name in arguments.arguments]
    return bool(said) and all(argument_is(each, False) for each in said)


def _is_reentrant(candidates: tuple[object, ...]) -> bool:
    return bool(candidates) and all(
        isinstance(value, dict) and value.get("use_reentrant") is True for value in candidates
    )
