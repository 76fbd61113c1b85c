"""Rule LLB10, device-map-auto-distributed."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    UNKNOWN,
    argument,
    base_load,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import ACCELERATE_SOURCE, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Span
from lora_rules.repository import Repository


@rule(
    "LLB10",
    Severity.ERROR,
    evidence=[
        ACCELERATE_SOURCE.says(
            "Refuses a model spread over several devices, quantized or not, in any distributed "
            "mode."
        ),
        SCRIPT_RUNS.says("Accelerator.prepare raises ValueError for a model on two devices."),
    ],
)
def device_map_auto_distributed(program: Program, repository: Repository) -> Iterator[Problem]:
    """A model is spread over the GPUs with `device_map="auto"` and trained in several processes.

    ## What it checks
    A model loaded with `device_map="auto"` (or "balanced", "sequential") that goes to a trainer, in
    a script that certainly runs distributed.

    - Distributed: it calls `init_process_group`, or its training arguments have `fsdp`, or each
      command that starts it in the shell scripts beside it starts several processes.
    - Also any `device_map` of a model that is loaded after the training arguments, where those
      commands set ZeRO-3.
    - With `deepspeed` it is a warning, because one process can use it too.

    ## Why it matters
    Every process would take all the GPUs for its own copy. accelerate raises ValueError, "You can't
    train a model that has been loaded with `device_map='auto'` in any distributed mode".

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B",
        device_map="auto",  # LLB10: "auto"
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", max_steps=500, learning_rate=2e-4, max_length=2048, fsdp="full_shard")
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
    args = SFTConfig("out", max_steps=500, learning_rate=2e-4, max_length=2048, fsdp="full_shard")
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    When only one GPU is visible to each process.

    ## Options
    None.
    """
    calls = program.calls
    for trainer in calls.trainers():
        load = base_load(calls, trainer.things.get("model"))
        if load is None or not load.certain_after(trainer):
            continue
        given = load.arguments.get("device_map")
        if given is None or given.candidates == (None,):
            continue
        if _under_zero3(calls, load, trainer) and (stated := _launched(repository, zero=True)):
            yield Problem(
                given.span,
                f"{stated} sets ZeRO-3, which takes no device_map: from_pretrained raises "
                "ValueError.",
                help="Leave out device_map.",
            )
            continue
        if argument(load, "device_map", None) not in ("auto", "balanced", "sequential"):
            continue
        found = _several_processes(calls, trainer)
        if found is None and (stated := _launched(repository)):
            yield Problem(
                given.span,
                f"the model is spread over all GPUs, and {stated} starts a process for each: "
                "accelerate raises ValueError.",
                help="Leave out device_map.",
            )
        if found is not None:
            place, what, severity = found
            yield Problem(
                load.arguments["device_map"].span,
                f"the model is spread over all GPUs, and {what} starts a process for each: "
                "accelerate raises ValueError.",
                severity=severity,
                help="Leave out device_map.",
                also=(place,),
            )


def _several_processes(calls: Calls, trainer: Call) -> tuple[Span, str, Severity] | None:
    """What certainly makes a run distributed."""
    for call in calls.last_named("init_process_group"):
        if calls.position(call) > calls.position(trainer):
            break
        if call.certain_after(trainer):
            return call.span, "init_process_group", Severity.ERROR
    args = calls.maker(trainer.things.get("args"))
    for name, severity in (("fsdp", Severity.ERROR), ("deepspeed", Severity.WARNING)):
        value = argument(args, name, None) if args is not None else None
        if args is not None and value and value is not UNKNOWN:
            return args.span, name, severity
    return None


def _launched(repository: Repository, *, zero: bool = False) -> str:
    """What starts several processes (or ZeRO-3): empty unless all that starts the script does."""
    launches = repository.launches()
    if not launches or not all(
        each.zero_stage == 3 if zero else each.processes > 1 for each in launches
    ):
        return ""
    return f"line {launches[0].line} of {launches[0].script}"


def _under_zero3(calls: Calls, load: Call, trainer: Call) -> bool:
    """Whether the training arguments, which turn on ZeRO-3, are made before a model is loaded."""
    args = calls.maker(trainer.things.get("args"))
    return (
        args is not None
        and calls.position(args) < calls.position(load)
        and args.certain_after(load)
    )
