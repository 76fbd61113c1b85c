"""Rule LL008, ignored-subconfig."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Remove, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE
from lora_rules.recipe import Recipe


@rule("LL008", Severity.WARNING, evidence=[PEFT_SOURCE])
def ignored_subconfig(recipe: Recipe) -> Iterator[Problem]:
    """A setting that nothing reads, because the one that switches it on is missing.

    ## What it checks
    `loftq_config`, `eva_config`, `corda_config` or `lora_ga_config` without the
    `init_lora_weights` of that name; EVA or CorDA without their configuration (the defaults are
    taken); `alora_invocation_tokens` with another task than CAUSAL_LM; `use_qalora` (GPTQ only)
    over a bitsandbytes model; `base_model_name_or_path` written by hand (PEFT overwrites it).

    ## Why it matters
    PEFT drops the setting with a warning that scrolls by, or with none.

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
    if recipe.result:
        return
    yield from _unused_initialisation(recipe)
    tokens = recipe.writes("alora_invocation_tokens") and recipe.may_be("alora_invocation_tokens")
    task = recipe.settings.get("task_type")
    if tokens and task is not None and task.candidates and "CAUSAL_LM" not in task.candidates:
        yield Problem(
            "alora_invocation_tokens",
            "alora_invocation_tokens only work with task_type CAUSAL_LM.",
            help='Set task_type to "CAUSAL_LM", or remove the tokens.',
        )
    if isinstance(recipe.known("base_model_name_or_path"), str):
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


def _unused_initialisation(recipe: Recipe) -> Iterator[Problem]:
    setting = recipe.settings.get("init_lora_weights")
    if setting is None or not setting.candidates:
        return
    chosen = setting.candidates
    for name, method in INITIALISATIONS.items():
        given = recipe.writes(name) and recipe.may_be(name) and _holds(recipe, name)
        if given and method not in chosen:
            yield Problem(
                name,
                f'{name} is ignored unless init_lora_weights is "{method}".',
                help=f'Set init_lora_weights to "{method}", or remove it.',
                also=("init_lora_weights",),
                edits=(Remove(name),),
            )
    for name, method in (("eva_config", "eva"), ("corda_config", "corda")):
        if chosen == (method,) and not recipe.may_be(name):
            yield Problem(
                "init_lora_weights",
                f'init_lora_weights="{method}" without {name}: PEFT takes default values, and '
                "needs its own preparation call before training.",
                help=f"Pass a {name}, and call PEFT's initialisation for it.",
            )


def _holds(recipe: Recipe, name: str) -> bool:
    """Whether it is known to hold something: a value that is passed through may be nothing.

    An empty ``loftq_config`` is PEFT's default; an empty object of another kind is one.
    """
    setting = recipe.settings[name]
    empty = setting.candidates == ({},) and (name == "loftq_config" or not setting.written)
    return bool(setting.candidates) and not empty
