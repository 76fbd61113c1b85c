"""Rule LLB11, reentrant-checkpointing-ddp."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    argument,
    argument_is,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program


@rule(
    "LLB11",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says("Which orders of calls raise, train nothing, or lose what they trained."),
    ],
)
def reentrant_checkpointing_ddp(program: Program) -> Iterator[Problem]:
    """Reentrant gradient checkpointing of a LoRA under DDP that looks for unused parameters.

    ## What it checks
    In a script that calls `init_process_group`, or whose training arguments set
    `ddp_find_unused_parameters=True`: gradient checkpointing with `use_reentrant=True` in
    the training arguments.

    ## Why it matters
    A reentrant checkpoint runs a backward pass inside the backward pass, and DDP then sees
    parameters twice: "Expected to mark a variable ready only once" (peft#313, trl#921, qlora#223).
    For a PeftModel the Trainer looks for unused parameters unless it is told not to.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig(
        "out",
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
        learning_rate=2e-4,
        max_length=2048,
        ddp_find_unused_parameters=False,
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    When the script is only ever run in one process, or under ZeRO-3, which needs it.

    ## Options
    None.
    """
    calls = program.calls
    starts = calls.last_named("init_process_group")[:1]
    for trainer in calls.trainers():
        args = calls.maker(trainer.things.get("args"))
        if args is None:
            continue
        if argument(args, "deepspeed", None) is not None or argument(args, "fsdp", None):
            continue
        unused = argument(args, "ddp_find_unused_parameters", None)
        started = any(calls.position(call) < calls.position(trainer) for call in starts)
        kwargs = args.arguments.get("gradient_checkpointing_kwargs")
        if unused is not True and not (started and unused is None):
            continue
        if kwargs is None or not _is_reentrant(kwargs.candidates):
            continue
        if not argument_is(args.arguments.get("gradient_checkpointing"), False):
            yield Problem(
                kwargs.span,
                "a reentrant checkpoint marks LoRA's parameters ready twice, and DDP that looks "
                "for unused parameters raises RuntimeError.",
                help='Set {"use_reentrant": False}, or ddp_find_unused_parameters=False.',
                also=(args.span,),
            )


def _is_reentrant(candidates: tuple[object, ...]) -> bool:
    return bool(candidates) and all(
        isinstance(value, dict) and value.get("use_reentrant") is True for value in candidates
    )
