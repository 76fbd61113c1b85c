"""Rule LL022, merge-into-stored-quantized."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import LLAMAFACTORY_EXPORT

if TYPE_CHECKING:
    from lora_rules.facts.model.checkpoint_quantization import Checkpoint


@rule(
    "LL022",
    Severity.ERROR,
    evidence=[
        LLAMAFACTORY_EXPORT.says(
            "export_model raises ValueError where the loaded model has a quantization_method and "
            "adapter_name_or_path is given."
        ),
    ],
    of_records=True,
)
def merge_into_stored_quantized(
    framework: Behaviour,
    merged_model_dir: str,
    adapter_name_or_path: list[str] | str,
    model_name_or_path: str,
    checkpoint_quantization: Checkpoint,
) -> Iterator[Problem]:
    """An adapter is to be merged into a checkpoint that is stored quantized.

    ## What it checks
    A file or command of LLaMA-Factory's `export` names an adapter, and a base model that is stored
    quantized: GPTQ, AWQ, bitsandbytes and others.

    - An error where the model's `config.json` says so, a warning where its name does
      (`-GPTQ-Int4`, `-AWQ`, `-bnb-4bit`).
    - Left alone: FP8 and MXFP4, which LLaMA-Factory loads in 16 bit.
    - `merge_and_unload()` in a script is LL508's, `quantization_bit` in an export LL012's.

    ## Why it matters
    LLaMA-Factory loads the model and the adapter, and then raises ValueError: "Cannot merge
    adapters to a quantized model."

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B-Instruct-AWQ  # LL022: Qwen/Qwen2.5-7B-Instruct-AWQ
    adapter_name_or_path: saves/lora
    template: qwen
    finetuning_type: lora
    export_dir: saves/merged
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B-Instruct
    adapter_name_or_path: saves/lora
    template: qwen
    finetuning_type: lora
    export_dir: saves/merged
    ```

    ## When to ignore it
    When the name says what the checkpoint is not.

    ## Options
    None.
    """
    stored = checkpoint_quantization
    if not framework.refuses_stored_merge or not stored.method:
        return
    if stored.method in framework.dequantizes:
        return
    known = "its config.json says" if stored.certain else "its name says"
    yield Problem(
        "model_name_or_path",
        f"the base is stored as {stored.method.upper()} ({known}): {framework.label} refuses to "
        "merge an adapter into it, and raises ValueError.",
        severity=Severity.ERROR if stored.certain else Severity.WARNING,
        help="Name the 16-bit model that it was made from; quantize the merged one afterwards.",
        also=("adapter_name_or_path", "merged_model_dir"),
    )
