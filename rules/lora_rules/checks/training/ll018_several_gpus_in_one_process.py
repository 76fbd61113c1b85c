"""Rule LL018, several-gpus-in-one-process."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import FRAMEWORK_SOURCES
from lora_rules.facts.run.written_keys import every_key, is_true

if TYPE_CHECKING:
    from lora_rules.recipe import Blocks, Key, Setting


@rule(
    "LL018",
    Severity.ERROR,
    evidence=[
        FRAMEWORK_SOURCES.says(
            "ms-swift spreads the model over the GPUs of a process that sees two or more, and "
            "raises ValueError where DeepSpeed, FSDP or vLLM in GRPO is asked for as well."
        )
    ],
)
def several_gpus_in_one_process(gpus_per_process: Setting, blocks: Blocks) -> Iterator[Problem]:
    r"""A command of ms-swift shows several GPUs to one process, and asks for what needs one each.

    ## What it checks
    `CUDA_VISIBLE_DEVICES` names at least twice as many GPUs as `NPROC_PER_NODE` starts processes
    (1 unless written), and the command has:

    - `deepspeed` or `fsdp`;
    - or `rlhf_type grpo` with `use_vllm true`.

    ## Why it matters
    ms-swift then spreads the model over the GPUs of a process (`device_map`), which it combines
    with neither: it raises ValueError.

    ## Bad
    ```shell
    CUDA_VISIBLE_DEVICES=0,1 swift sft \
        --model Qwen/Qwen2.5-7B-Instruct \
        --tuner_type lora \
        --dataset my-company/tickets \
        --learning_rate 1e-4 \
        --deepspeed zero2  # LL018: zero2
    ```

    ## Good
    ```shell
    CUDA_VISIBLE_DEVICES=0,1 NPROC_PER_NODE=2 swift sft \
        --model Qwen/Qwen2.5-7B-Instruct \
        --tuner_type lora \
        --dataset my-company/tickets \
        --learning_rate 1e-4 \
        --deepspeed zero2
    ```

    ## When to ignore it
    When `NPROC_PER_NODE` is in the environment already.

    ## Options
    None.
    """
    gpus = gpus_per_process.value
    needs = _needs(blocks)
    if needs is None or not isinstance(gpus, int) or is_true(blocks, "use_ray"):
        return
    name = "GRPO with vLLM" if needs.name == "use_vllm" else needs.name
    yield Problem(
        needs.value_span or needs.span,
        f"{gpus} GPUs are visible to each process, over which ms-swift spreads the model, and it "
        f"does not do so with {name}: ms-swift raises ValueError.",
        help="Set NPROC_PER_NODE to the number of GPUs.",
        also=() if gpus_per_process.span is None else (gpus_per_process.span,),
    )


def _needs(blocks: Blocks) -> Key | None:
    """The key that needs a process for each GPU."""
    keys = {key.name: key for key in every_key(blocks)}
    for name in ("deepspeed", "fsdp"):
        key = keys.get(name)
        if key is not None and len(key.candidates) == 1 and key.candidates[0]:
            return key
    kind = keys.get("rlhf_type")
    if kind is not None and kind.candidates == ("grpo",) and is_true(blocks, "use_vllm"):
        return keys["use_vllm"]
    return None
