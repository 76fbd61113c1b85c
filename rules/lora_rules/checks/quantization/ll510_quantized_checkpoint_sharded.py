"""Rule LL510, quantized-checkpoint-sharded."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value
from lora_rules.evidence import LLAMAFACTORY_QUANTIZATION
from lora_rules.repository import Repository

if TYPE_CHECKING:
    from lora_rules.facts.model.checkpoint_quantization import Checkpoint


@rule(
    "LL510",
    Severity.ERROR,
    evidence=[
        LLAMAFACTORY_QUANTIZATION.says(
            "configure_quantization raises ValueError: DeepSpeed ZeRO-3 or FSDP is incompatible "
            "with PTQ-quantized models."
        ),
    ],
)
def quantized_checkpoint_sharded(
    framework: Behaviour,
    repository: Repository,
    deepspeed: Value,
    fsdp: Value,
    checkpoint_quantization: Checkpoint,
) -> Iterator[Problem]:
    """A checkpoint that is quantized already, divided by ZeRO-3 or FSDP.

    ## What it checks
    LLaMA-Factory is given a base model that is stored as GPTQ, AWQ, AQLM or by bitsandbytes, with
    ZeRO-3 or FSDP.

    - An error where its `config.json` says so, a warning where the name of a hub model does.
    - FP8 and MXFP4 (DeepSeek-R1, gpt-oss) are an info: versions before 0.9.4 refuse them, newer
      ones load them in 16 bits.

    ## Why it matters
    LLaMA-Factory raises ValueError when it reads the model's configuration.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B-Instruct-AWQ  # LL510: Qwen/Qwen2.5-7B-Instruct-AWQ
    stage: sft
    do_train: true
    finetuning_type: lora
    lora_target: all
    deepspeed: examples/deepspeed/ds_z3_config.json
    dataset: alpaca_zh_demo
    template: qwen
    learning_rate: 2.0e-4
    output_dir: saves/qwen
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B-Instruct-AWQ
    stage: sft
    do_train: true
    finetuning_type: lora
    lora_target: all
    deepspeed: examples/deepspeed/ds_z2_config.json
    dataset: alpaca_zh_demo
    template: qwen
    learning_rate: 2.0e-4
    output_dir: saves/qwen
    ```

    ## When to ignore it
    When the name says something that the checkpoint is not.

    ## Options
    None.
    """
    method = checkpoint_quantization.method
    if not framework.refuses_quantized_when_sharded or not method:
        return
    shared = _shared(deepspeed, fsdp, repository)
    if not shared:
        return
    known = "its config.json says" if checkpoint_quantization.certain else "its name says"
    stored = f"the base model is stored as {method.upper()} ({known})"
    since = framework.dequantizes.get(method)
    if since is not None:
        yield Problem(
            "model_name_or_path",
            f"{stored}: {framework.label} before {since} raises ValueError under {shared}, later "
            "versions load it in 16 bits.",
            severity=Severity.INFO,
            also=(_key(shared),),
        )
        return
    yield Problem(
        "model_name_or_path",
        f"{stored}: {framework.label} raises ValueError under {shared}.",
        severity=Severity.ERROR if checkpoint_quantization.certain else Severity.WARNING,
        help="Name the 16-bit model, or take ZeRO-2 or DDP.",
        also=(_key(shared),),
    )


def _shared(deepspeed: Value, fsdp: Value, repository: Repository) -> str:
    """What divides the weights among GPUs; empty for nothing."""
    from lora_rules.facts.memory.memory_forecast.several_gpus import divides, zero

    if divides(deepspeed):
        return "ZeRO-3" if zero(deepspeed, repository).stage == 3 else ""
    return "FSDP" if divides(fsdp) else ""


def _key(shared: str) -> str:
    return "fsdp" if shared == "FSDP" else "deepspeed"
