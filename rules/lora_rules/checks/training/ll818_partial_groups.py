"""Rule LL818, partial-groups."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import FRAMEWORK_SOURCES, TRL_SOURCE
from lora_rules.facts.run.written_keys import every_key, is_true
from lora_rules.recipe import Origin

if TYPE_CHECKING:
    from lora_rules.engine.behaviour import Behaviour
    from lora_rules.recipe import Blocks, Key, Setting

_ROUNDS = ("steps_per_generation", "gradient_accumulation_steps")


@rule(
    "LL818",
    Severity.ERROR,
    evidence=[
        TRL_SOURCE.says(
            "GRPOConfig multiplies per_device_train_batch_size, the processes and "
            "steps_per_generation, and raises where num_generations does not divide the product."
        ),
        FRAMEWORK_SOURCES.says(
            "ms-swift's _init_generation_batch_params raises ValueError where the product is not "
            "divisible by num_generations; a process takes 1 example unless written."
        ),
    ],
)
def partial_groups(
    blocks: Blocks, framework: Behaviour, trainer_method: str, gpu_count: Setting
) -> Iterator[Problem]:
    r"""GRPO whose batch over all GPUs is no multiple of `num_generations`.

    ## What it checks
    The batch per device times the GPUs times `steps_per_generation`, or the accumulation where that
    is not written, is not divisible by `num_generations`, in ms-swift and TRL.

    - `num_generations` is 8 unless written.
    - The number of GPUs is the command's (`NPROC_PER_NODE`, `--num_processes`, …).

    ## Why it matters
    Advantages are taken within the group of one prompt's completions, so a batch holds whole
    groups: otherwise ValueError is raised before the first step.

    ## Bad
    ```shell
    CUDA_VISIBLE_DEVICES=0,1 NPROC_PER_NODE=2 swift rlhf \
        --rlhf_type grpo \
        --model Qwen/Qwen2.5-7B-Instruct \
        --tuner_type lora \
        --dataset my-company/questions \
        --reward_funcs accuracy \
        --learning_rate 1e-5 \
        --per_device_train_batch_size 1 \
        --gradient_accumulation_steps 2 \
        --num_generations 8  # LL818: 8
    ```

    ## Good
    ```shell
    CUDA_VISIBLE_DEVICES=0,1 NPROC_PER_NODE=2 swift rlhf \
        --rlhf_type grpo \
        --model Qwen/Qwen2.5-7B-Instruct \
        --tuner_type lora \
        --dataset my-company/questions \
        --reward_funcs accuracy \
        --learning_rate 1e-5 \
        --per_device_train_batch_size 1 \
        --gradient_accumulation_steps 4 \
        --num_generations 8
    ```

    ## When to ignore it
    When the command gets more processes from elsewhere.

    ## Options
    None.
    """
    keys = {key.name: key for key in every_key(blocks)}
    each = _number(keys, "per_device_train_batch_size", framework.examples_of_groups)
    if trainer_method not in ("grpo", "rloo") or not each or is_true(blocks, "use_ray"):
        return
    if gpu_count.origin is not Origin.DERIVED or not isinstance(gpu_count.value, int):
        return
    if not all(block.complete for block in blocks) or _written(keys, "generation_batch_size"):
        return
    gpus = gpu_count.value
    rounds = next((name for name in _ROUNDS if _written(keys, name)), _ROUNDS[1])
    times, group = _number(keys, rounds, 1), _number(keys, "num_generations", 8)
    if not times or group < 2 or each * gpus * times % group == 0:
        return
    at = next(
        keys[name]
        for name in ("num_generations", "per_device_train_batch_size", rounds, "rlhf_type")
        if name in keys
    )
    yield Problem(
        at.value_span or at.span,
        f"{gpus} GPUs x per_device_train_batch_size {each} x {rounds} {times} = "
        f"{each * gpus * times} completions, no multiple of num_generations {group}: "
        "ValueError.",
        help=f"Raise {rounds} or per_device_train_batch_size, or lower num_generations.",
        also=("gpu_count",),
    )


def _written(keys: dict[str, Key], name: str) -> bool:
    return name in keys and keys[name].candidates != (None,)


def _number(keys: dict[str, Key], name: str, default: int) -> int:
    """What a key says, 0 where that is not known."""
    if not _written(keys, name):
        return default
    found = keys[name].candidates
    one = found[0] if len(found) == 1 else None
    return one if isinstance(one, int) and not isinstance(one, bool) and one > 0 else 0
