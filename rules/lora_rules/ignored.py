"""Settings that are written and never read: LL008 to LL010."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import (
    FRAMEWORK_SOURCES,
    PEFT_SOURCE,
)
from lora_rules.recipe import Recipe
from lora_rules.rule import Problem, Remove, Severity, rule


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


@rule("LL009", Severity.WARNING, evidence=[FRAMEWORK_SOURCES], without_adapter=True)
def conflicting_sources(recipe: Recipe) -> Iterator[Problem]:
    """The same setting is written twice in one place, with different values.

    ## What it checks
    A key that stands twice in one YAML or JSON mapping, or a flag that is given twice on a
    command line, with different values.

    ## Why it matters
    The last one wins and the first is dropped without a word. A reader who sees the first
    believes something else runs.

    ## Bad
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 8  # LL009: lora_r
    lora_alpha: 32
    lora_target_linear: true
    lora_r: 16
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    ```

    ## When to ignore it
    Never: remove the one that does not count.

    ## Options
    None.
    """
    for block in recipe.blocks:
        for lost, counts in block.duplicates:
            if lost.candidates and counts.candidates and lost.candidates == counts.candidates:
                continue
            yield Problem(
                lost.span,
                f"{lost.name} is written again on line {counts.span.line}; only that one counts.",
                help="Remove the one that is not meant.",
                also=(counts.span,),
            )


@rule("LL010", Severity.WARNING, evidence=[FRAMEWORK_SOURCES], without_adapter=True)
def adapter_settings_without_adapter(recipe: Recipe, lora_enabled: bool) -> Iterator[Problem]:
    """LoRA settings in a run that is not a LoRA run.

    ## What it checks
    The file sets a rank, an alpha or target modules, but the switch that turns LoRA on in its
    framework is off or missing: `use_peft` (TRL, oumi), `peft` (AutoTrain), `adapter` (axolotl).
    A file that asks for full fine-tuning in so many words, or has the switch with nothing behind
    it, is left alone.

    ## Why it matters
    The framework ignores the adapter's settings and trains every parameter: a memory need several
    times larger, at a learning rate that was chosen for LoRA.

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
    if lora_enabled:
        return
    switch = recipe.settings["lora_enabled"].key
    if recipe.writes(switch) and recipe.settings["lora_enabled"].span is None:
        return  # the switch stands there, empty: somebody meant it
    written = [
        name
        for name in ("r", "lora_alpha", "target_modules")
        if (setting := recipe.settings.get(name)) is not None and setting.written
    ]
    if written:
        yield Problem(
            written[0],
            f"{recipe.framework or recipe.dialect} trains without an adapter here: {switch} does "
            "not turn LoRA on, so this is ignored and every parameter is trained.",
            help=f"Turn it on with {switch}, or remove the LoRA settings.",
        )
