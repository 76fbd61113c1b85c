"""Rule LL010, adapter-settings-without-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Absent, Unknown, Value
from lora_rules.evidence import FRAMEWORK_SOURCES
from lora_rules.facts.run.written_keys import writes
from lora_rules.recipe import Blocks, Setting


@rule(
    "LL010",
    Severity.WARNING,
    evidence=[
        FRAMEWORK_SOURCES.says(
            "use_peft is false unless written, and without it TRL and Oumi make no adapter; "
            "axolotl makes one only for an adapter."
        ),
    ],
    without_adapter=True,
)
def adapter_settings_without_adapter(
    blocks: Blocks,
    framework: Behaviour,
    lora_enabled: Setting,
    r: Value,
    lora_alpha: Value,
    target_modules: Value,
) -> Iterator[Problem]:
    """LoRA settings in a run that is not a LoRA run.

    ## What it checks
    A file sets a rank, an alpha or target modules while the switch that turns LoRA on in its
    framework is off or missing: `use_peft` (TRL, Oumi), `peft` (AutoTrain), `adapter` (axolotl).

    - Not checked: a file that asks for full fine-tuning in so many words, or has the switch with
      nothing behind it.

    ## Why it matters
    The framework ignores the adapter's settings and trains every parameter, at a learning rate that
    was chosen for LoRA. Weights, gradients and Adam's states of a 7B model in float32 take 112 GB.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    dataset_name: trl-lib/Capybara
    lora_r: 16  # LL010: 16
    lora_alpha: 32
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    dataset_name: trl-lib/Capybara
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: all-linear
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    ```

    ## When to ignore it
    When the switch is given on the command line.

    ## Options
    None.
    """
    if lora_enabled.value is not False:
        return
    switch = lora_enabled.key
    if writes(blocks, switch) and lora_enabled.span is None:
        return  # the switch stands there, empty: somebody meant it
    adapter = {"r": r, "lora_alpha": lora_alpha, "target_modules": target_modules}
    written = [name for name, value in adapter.items() if _is_written(value)]
    if written:
        yield Problem(
            written[0],
            f"{framework.label} trains without an adapter here: {switch} does "
            "not turn LoRA on, so this is ignored and every parameter is trained.",
            help=f"Turn it on with {switch}, or remove the LoRA settings.",
        )


def _is_written(value: Value) -> bool:
    """Whether somebody wrote it; a framework's silent default is always known."""
    if isinstance(value, Unknown):
        return not isinstance(value, Absent)
    return value.setting.written
