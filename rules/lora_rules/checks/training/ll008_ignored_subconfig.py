"""Rule LL008, ignored-subconfig."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Remove, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value, is_given
from lora_rules.evidence import PEFT_SOURCE
from lora_rules.facts.run.written_keys import writes
from lora_rules.recipe import Blocks

if TYPE_CHECKING:
    from lora_rules.engine.views import Outline


@rule(
    "LL008",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "LoraConfig drops loftq_config, eva_config and corda_config without their "
            "initialisation and warns; lora_ga_config is ignored without a warning (run)."
        ),
    ],
)
def ignored_subconfig(
    outline: Outline,
    blocks: Blocks,
    init_lora_weights: Value,
    loftq_config: Value,
    eva_config: Value,
    corda_config: Value,
    lora_ga_config: Value,
    alora_invocation_tokens: Value,
    task_type: Value,
    base_model_name_or_path: Value,
    peft_type: Value,
) -> Iterator[Problem]:
    """A setting that nothing reads, because the one that switches it on is missing.

    ## What it checks
    A setting of PEFT that the chosen `init_lora_weights` or `task_type` does not read.

    - `loftq_config`, `eva_config`, `corda_config` or `lora_ga_config` without the
      `init_lora_weights` of that name
    - EVA or CorDA without their configuration: PEFT takes default values
    - `alora_invocation_tokens` with another task than CAUSAL_LM
    - `base_model_name_or_path` written by hand: PEFT overwrites it

    ## Why it matters
    PEFT ignores the setting: with a warning, or without one for `lora_ga_config`. The run then
    starts from another initialisation than the one that was configured.

    ## Bad
    ```python
    from peft import LoraConfig

    bits = {"loftq_bits": 4}
    config = LoraConfig(r=16, lora_alpha=32, loftq_config=bits)  # LL008: bits
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, init_lora_weights="olora")
    ```

    ## When to ignore it
    When the file is shared between runs that switch the setting on and runs that do not.

    ## Options
    None.
    """
    if outline.result:
        return
    if isinstance(init_lora_weights, Known):
        chosen = init_lora_weights.value
        refused = isinstance(peft_type, Known) and peft_type.value == "ADALORA"
        for each in (loftq_config, eva_config, corda_config, lora_ga_config):
            if each is not loftq_config or not refused:  # AdaLoRA raises, whatever is chosen
                yield from _unused(each, chosen, blocks)
        yield from _missing("eva", "eva_config", eva_config, chosen)
        yield from _missing("corda", "corda_config", corda_config, chosen)
    tokens = is_given(alora_invocation_tokens) and writes(blocks, "alora_invocation_tokens")
    if tokens and isinstance(task_type, Known) and task_type.value != "CAUSAL_LM":
        yield Problem(
            "alora_invocation_tokens",
            "alora_invocation_tokens only work with task_type CAUSAL_LM.",
            help='Set task_type to "CAUSAL_LM", or remove the tokens.',
        )
    if isinstance(base_model_name_or_path, Known) and isinstance(
        base_model_name_or_path.value, str
    ):
        yield Problem(
            "base_model_name_or_path",
            "base_model_name_or_path is overwritten by PEFT with the name of the model it is "
            "given.",
            help="Remove it.",
            edits=(Remove("base_model_name_or_path"),),
        )


INITIALISATIONS = {
    "loftq_config": "loftq",
    "eva_config": "eva",
    "corda_config": "corda",
    "lora_ga_config": "lora_ga",
}
"""Each sub-configuration and the ``init_lora_weights`` that reads it."""


def _unused(config: Value, chosen: object, blocks: Blocks) -> Iterator[Problem]:
    """A sub-configuration that the chosen initialisation does not read."""
    if not isinstance(config, Known) or not _holds(config):
        return
    name = config.setting.name
    method = INITIALISATIONS[name]
    if chosen != method and writes(blocks, name):
        yield Problem(
            name,
            f'{name} is ignored unless init_lora_weights is "{method}".',
            help=f'Set init_lora_weights to "{method}", or remove it.',
            also=("init_lora_weights",),
            edits=(Remove(name),),
        )


def _missing(method: str, name: str, config: Value, chosen: object) -> Iterator[Problem]:
    if chosen == method and not is_given(config):
        yield Problem(
            "init_lora_weights",
            f'init_lora_weights="{method}" without {name}: PEFT takes default values, and '
            "needs its own preparation call before training.",
            help=f"Pass a {name}, and call PEFT's initialisation for it.",
        )


def _holds(config: Known) -> bool:
    """Whether it holds something: a value that is passed through may be nothing.

    An empty ``loftq_config`` is PEFT's default; an empty object of another kind is one.
    """
    value, setting = config
    empty = value == {} and (setting.name == "loftq_config" or not setting.written)
    return value is not None and not empty
