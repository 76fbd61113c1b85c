"""Rule LL003, non-noop-init."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Safety, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import PEFT_SOURCE


@rule(
    "LL003",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "False leads to random initialization of LoRA A and B, so that LoRA is not a no-op "
            "before training; this setting is intended for debugging purposes."
        ),
    ],
)
def non_noop_init(outline: Outline, init_lora_weights: bool) -> Iterator[Problem]:
    """The adapter starts as random noise on top of the base model.

    ## What it checks
    `init_lora_weights` is false in a configuration that is trained: a framework's file, or a call
    whose adapter a trainer gets.

    - Not checked: scripts that convert adapters, and files under a tests folder.

    ## Why it matters
    PEFT then fills both matrices at random. The model no longer starts as the base model: its
    outputs differ before the first step. PEFT's documentation: "this setting is intended for
    debugging purposes".

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTTrainer

    names = "all-linear"
    config = LoraConfig(r=16, target_modules=names, init_lora_weights=False)  # LL003: False
    trainer = SFTTrainer(model="Qwen/Qwen2.5-0.5B", peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, init_lora_weights="gaussian")
    ```

    ## When to ignore it
    In tests that want an adapter with an effect; or when the weights are loaded right afterwards.

    ## Options
    None.
    """
    if init_lora_weights is False and outline.trains and not _in_tests(outline.path):
        yield Problem(
            "init_lora_weights",
            "init_lora_weights=False starts both matrices at random: the base model is changed "
            "before the first step.",
            help="Leave it out (True), or name a method such as 'gaussian' or 'pissa'.",
            edits=(Set("init_lora_weights", True),),
            safety=Safety.SAFE,
        )


def _in_tests(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    return any(part in ("test", "tests") or part.startswith("test_") for part in parts)
