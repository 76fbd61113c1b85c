"""Rule LL103, scaled-learning-rate."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import HEADROOM
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    BIDERMAN_2024,
    SCHULMAN_2025,
    TINKER_SWEEP,
)

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy


@rule(
    "LL103",
    Severity.WARNING,
    evidence=[
        SCHULMAN_2025.says(
            "With lora_alpha=32 fixed the best learning rate moves less than twofold from "
            "r=4 to r=512; lora_alpha x learning rate sets the early slope."
        ),
        TINKER_SWEEP.says(
            "The best learning rate is 3e-4 or 1e-3 in most; 4e-5 costs 2.6 % of the loss "
            "at the median and 9.9 % at most; nearly every run at 3e-3 diverged "
            "(lora_alpha=32, Adam)."
        ),
        BIDERMAN_2024.says(
            "Halved the learning rate at r=256 with lora_alpha=512 because of loss "
            "spikes; recommends LoRA for instruction tuning, not for continued "
            "pretraining."
        ),
    ],
)
def scaled_learning_rate(
    learning_rate: float,
    lora_alpha: float,
    step_size: float,
    training_kind: str,
    optimizer_family: str,
    model_size: Lazy,
    use_rslora: bool = False,
    loraplus_lr_ratio: float | None = None,
    *,
    min: float = 3e-4,  # noqa: A002 - the option's name, as users write it
    max: float = 0.1,  # noqa: A002
) -> Iterator[Problem]:
    """Learning rate times lora_alpha is far from what works, though each looks usual.

    ## What it checks
    `learning_rate x lora_alpha`, with rsLoRA times `sqrt(r)`, in supervised fine-tuning with an
    optimizer of the Adam family: below `min` or above `max` (warning), above ten times `max`
    (error). The upper limits are 2.5 times higher for base models below 2 billion parameters, and
    where the size is not known. A learning rate that is out of range by itself is LL801's and
    LL802's to tell. LoRA+ has LL808.

    ## Why it matters
    Under Adam the product sets how fast the adapter moves at first, whatever `r` is: doubling
    alpha does what doubling the rate does. At 3e-3 with `lora_alpha` 32 (0.096) nearly every run
    of a sweep diverged; at 1e-4 with 512 (0.05) runs still trained, and at 2e-4 (0.1) they had
    spikes. The best rates of that sweep give 0.0096 and 0.032.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=256, lora_alpha=512, target_modules="all-linear")  # LL103: 512
    args = SFTConfig(learning_rate=5e-4, num_train_epochs=1, max_length=2048)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 4  # LL103: 4
    lora_target_linear: true
    learning_rate: 5.0e-5
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=128, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=3e-4, num_train_epochs=1, max_length=2048)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When the rate was tuned at this alpha. A run at 0.15 (r=256, alpha 512, 3e-4) has been reported
    to work.

    ## Options
    - `min` (0.0003): the lowest product that passes.
    - `max` (0.1): the highest.
    """
    if training_kind != "sft" or optimizer_family != "adam" or loraplus_lr_ratio is not None:
        return
    if step_size <= 0 or not 2e-5 <= learning_rate <= 1e-3:
        return
    high = step_size > max and step_size > max * (HEADROOM if model_size().may_be_small else 1.0)
    if min <= step_size and not high:
        return
    factor = " x sqrt(r)" if use_rslora else ""
    yield Problem(
        "lora_alpha",
        f"learning_rate x lora_alpha{factor} = {learning_rate:g} x {lora_alpha:g}{factor} = "
        f"{step_size:.3g}: "
        + (
            "runs diverge near 0.1, and the best of a large sweep lie at 0.01 to 0.03."
            if high
            else f"below {min:g} the adapter hardly moves; the best lie at 0.01 to 0.03."
        ),
        severity=Severity.ERROR if step_size > 10 * max and high else Severity.WARNING,
        help="Bring the product near 0.01: move learning_rate or lora_alpha, either will do.",
        also=("learning_rate", "r") if use_rslora else ("learning_rate",),
        edits=(Set("learning_rate", float(f"{learning_rate * 0.01 / step_size:.1g}")),),
    )
