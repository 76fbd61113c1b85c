"""Rule LL004, inference-mode-training."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Safety, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, is_given
from lora_rules.engine.views import Outline
from lora_rules.evidence import PEFT_SOURCE


@rule(
    "LL004",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "An adapter made with inference_mode has no parameter that requires a gradient; "
            "training it raises RuntimeError."
        ),
    ],
)
def inference_mode_training(
    outline: Outline, inference_mode: bool, adapter_name_or_path: Value
) -> Iterator[Problem]:
    """A new adapter whose weights are frozen.

    ## What it checks
    `inference_mode` is true for a fresh adapter that is trained: in a framework's file, or in a
    call whose adapter a trainer gets.

    - Not checked: the record of a trained adapter (`adapter_config.json`), and scripts that only
      load adapters.

    ## Why it matters
    PEFT freezes the adapter's weights. The base model is frozen too, so no parameter is left to
    train, and the first backward pass raises RuntimeError.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTTrainer

    names = "all-linear"
    config = LoraConfig(r=16, target_modules=names, inference_mode=True)  # LL004: True
    trainer = SFTTrainer(model="Qwen/Qwen2.5-0.5B", peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, inference_mode=False)
    ```

    ## When to ignore it
    When the file only loads an adapter to use it.

    ## Options
    None.
    """
    if inference_mode and outline.trains and not is_given(adapter_name_or_path):
        yield Problem(
            "inference_mode",
            "inference_mode=True freezes the adapter: training it raises RuntimeError.",
            help="Leave it out.",
            edits=(Set("inference_mode", False),),
            safety=Safety.SAFE,
        )
