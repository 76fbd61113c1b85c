"""Rule LL011, incompatible-settings."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.keys import KeyPage, kebab
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, elements_of, value_of
from lora_rules.evidence import PEFT_SOURCE, TRANSFORMERS_SOURCE
from lora_rules.recipe import Origin, Recipe

VARIANTS = (
    "use_dora",
    "arrow_config",
    "use_bdlora",
    "alora_invocation_tokens",
    "velora_config",
    "monteclora_config",
    "kasa_config",
)
"""PEFT 0.21.2 builds a layer as exactly one of these (lora/layer.py)."""


def keys() -> tuple[KeyPage, ...]:
    """What is to be said of each key."""
    return (
        KeyPage(
            "peft/layers-to-transform-with-text-targets",
            "layers_to_transform with a text for target_modules: PEFT raises ValueError.",
            "List the modules, or put the layer numbers into the expression.",
        ),
        KeyPage(
            "peft/layers-pattern-with-text-targets",
            "layers_pattern with a text for target_modules: PEFT raises ValueError.",
            "List the modules, or put the layers' place into the expression.",
        ),
        KeyPage(
            "peft/layers-pattern-needs-layers-to-transform",
            "layers_pattern without layers_to_transform: PEFT raises ValueError.",
            "Add layers_to_transform, or remove it.",
        ),
        KeyPage(
            "peft/lora-bias-with-dora",
            "lora_bias with use_dora: PEFT raises ValueError.",
            "Remove one of them.",
        ),
        KeyPage(
            "peft/lora-bias-with-initialisation",
            "lora_bias with the name of a method in init_lora_weights: PEFT raises ValueError.",
            "Remove one of them.",
        ),
        KeyPage(
            "peft/dora-with-megatron",
            "use_dora with megatron_config: PEFT raises.",
            "Remove use_dora.",
        ),
        KeyPage(
            "peft/several-variants",
            f"More than one of {', '.join(VARIANTS)} and MiCA: PEFT builds a layer as one of them.",
            "Keep one of them.",
        ),
        KeyPage(
            "peft/loftq-needs-config",
            'init_lora_weights="loftq" without loftq_config: PEFT raises ValueError.',
            "Pass loftq_config=LoftQConfig(loftq_bits=4).",
        ),
        KeyPage(
            "peft/loftq-config-incomplete",
            "A dict as loftq_config that lacks loftq_bits or loftq_iter: PEFT raises KeyError.",
            "Pass loftq_config=LoftQConfig(loftq_bits=4), which fills in the rest.",
        ),
        KeyPage(
            "peft/orthogonal-needs-even-rank",
            'An odd r with init_lora_weights="orthogonal": PEFT raises ValueError.',
            "Set r to an even number.",
        ),
        KeyPage(
            "peft/rslora-patterns-with-converted-initialisation",
            "rank_pattern or alpha_pattern with use_rslora and an initialisation that changes the "
            "base weights: PEFT warns.",
            "Train with one rank, or without use_rslora.",
            why="The adapter cannot be converted back to plain LoRA after training.",
            severity=Severity.WARNING,
        ),
        KeyPage(
            "transformers/load-in-4bit-with-load-in-8bit",
            "load_in_4bit and load_in_8bit are both on: transformers raises ValueError.",
            "Keep one.",
        ),
        KeyPage(
            "peft/every-target-excluded",
            "exclude_modules takes out every target: PEFT raises, no module is left to adapt.",
            "Exclude less.",
        ),
        KeyPage(
            "peft/target-in-modules-to-save",
            "A module that is in target_modules and in modules_to_save: it is trained in full, "
            "without LoRA. Where all are, PEFT raises, because no module is left to adapt.",
            "Name each module in one of the two.",
        ),
        KeyPage(
            "peft/bdlora-sides-overlap",
            "target_modules_bd_a and target_modules_bd_b of use_bdlora overlap: PEFT raises "
            "ValueError.",
            "Name each module in one of the two.",
        ),
        KeyPage(
            "peft/bdlora-target-on-neither-side",
            "A target that is in neither target_modules_bd_a nor target_modules_bd_b of "
            "use_bdlora: PEFT raises ValueError.",
            "Name each target in one of the two.",
        ),
    )


@rule(
    "LL011",
    Severity.ERROR,
    evidence=[PEFT_SOURCE, TRANSFORMERS_SOURCE],
    keys=keys,
)
def incompatible_settings(recipe: Recipe, framework: Behaviour) -> Iterator[Problem]:
    """Two settings that the library refuses together.

    ## What it checks
    The pairs that PEFT's `LoraConfig` and its layers refuse: `layers_to_transform` or
    `layers_pattern` with a text for `target_modules`; `layers_pattern` without
    `layers_to_transform`; `lora_bias` with DoRA or with an initialisation method; DoRA with
    Megatron; several variants at once; LoftQ without a complete `loftq_config`; an odd `r` with
    "orthogonal"; `load_in_4bit` with `load_in_8bit`; modules that are both excluded and the only
    targets. rsLoRA with patterns and a weight-changing initialisation is a warning.

    ## Why it matters
    The run ends with an exception, often after the base model has been loaded.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        layers_to_transform=[0, 1],  # LL011: [0, 1]
    )
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    dataset_name: trl-lib/Capybara
    use_peft: true
    lora_r: 16
    lora_target_modules: all-linear
    load_in_4bit: true
    load_in_8bit: true  # LL011: true
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "v_proj"],
        layers_to_transform=[0, 1],
    )
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    yield from _two_widths(recipe)
    if not framework.adapter_as_written:
        return
    for conflict in CONFLICTS:
        yield from conflict(recipe)


def _text_targets(recipe: Recipe) -> Iterator[Problem]:
    if not isinstance(recipe.known("target_modules"), str):
        return
    for name in ("layers_to_transform", "layers_pattern"):
        if recipe.writes(name) and recipe.known(name) is not None:  # 0 is a layer, [] is a list
            yield Problem(
                name,
                f"{name} needs target_modules as a list; PEFT raises ValueError for a text.",
                help="List the modules, or put the layer numbers into the expression.",
                also=("target_modules",),
                key=f"peft/{kebab(name)}-with-text-targets",
            )


def _pattern_alone(recipe: Recipe) -> Iterator[Problem]:
    if _given(recipe, "layers_pattern") and not recipe.may_be("layers_to_transform"):
        yield Problem(
            "layers_pattern",
            "layers_pattern without layers_to_transform: PEFT raises ValueError.",
            help="Add layers_to_transform, or remove it.",
            key="peft/layers-pattern-needs-layers-to-transform",
        )


def _lora_bias(recipe: Recipe) -> Iterator[Problem]:
    if recipe.known("lora_bias") is not True:
        return
    if recipe.known("use_dora") is True:
        yield Problem(
            "lora_bias",
            "lora_bias does not work with use_dora: PEFT raises ValueError.",
            key="peft/lora-bias-with-dora",
        )
    method = recipe.known("init_lora_weights")
    if isinstance(method, str):
        yield Problem(
            "lora_bias",
            f'lora_bias does not work with init_lora_weights="{method}": PEFT raises ValueError.',
            also=("init_lora_weights",),
            key="peft/lora-bias-with-initialisation",
        )


def _variants(recipe: Recipe) -> Iterator[Problem]:
    if recipe.known("use_dora") is True and _given(recipe, "megatron_config"):
        yield Problem(
            "use_dora",
            "use_dora does not work with megatron_config: PEFT raises.",
            key="peft/dora-with-megatron",
        )
    chosen = [name for name in VARIANTS if _given(recipe, name)]
    if chosen and recipe.known("init_lora_weights") == "mica":
        chosen.insert(0, "init_lora_weights")  # MiCA is a variant, too
    if len(chosen) > 1:
        yield Problem(
            chosen[1],
            f"{' and '.join(chosen)} cannot be combined: PEFT builds one variant of LoRA.",
            also=(chosen[0],),
            key="peft/several-variants",
        )


def _loftq(recipe: Recipe) -> Iterator[Problem]:
    method = recipe.settings.get("init_lora_weights")
    if recipe.known("init_lora_weights") != "loftq" or method is None:
        return
    if method.origin is not Origin.WRITTEN:
        return  # the framework makes the configuration that it derives this from
    config = recipe.known("loftq_config")
    if "loftq_config" not in recipe.settings or config in (None, {}):
        if not recipe.may_be("loftq_config") or config == {}:
            yield Problem(
                "init_lora_weights",
                'init_lora_weights="loftq" needs a loftq_config: PEFT raises ValueError.',
                help="Pass loftq_config=LoftQConfig(loftq_bits=4).",
                key="peft/loftq-needs-config",
            )
    elif isinstance(config, dict):
        missing = [key for key in ("loftq_bits", "loftq_iter") if key not in config]
        if missing:
            yield Problem(
                "loftq_config",
                f"loftq_config lacks {' and '.join(missing)}: PEFT raises KeyError for a dict "
                "that is not complete.",
                help="Pass loftq_config=LoftQConfig(loftq_bits=4), which fills in the rest.",
                key="peft/loftq-config-incomplete",
            )


def _orthogonal(recipe: Recipe) -> Iterator[Problem]:
    rank = recipe.known("r")
    if (
        recipe.known("init_lora_weights") == "orthogonal"
        and isinstance(rank, int)
        and rank > 0
        and rank % 2
    ):
        yield Problem(
            "r",
            f'r = {rank} with init_lora_weights="orthogonal": PEFT needs an even rank.',
            help=f"Set r to {rank + 1}.",
            also=("init_lora_weights",),
            key="peft/orthogonal-needs-even-rank",
        )


def _rslora_conversion(recipe: Recipe) -> Iterator[Problem]:
    method = recipe.known("init_lora_weights")
    converting = isinstance(method, str) and (
        method.startswith("pissa") or method in ("olora", "corda", "lora_ga")
    )
    patterns = [
        name for name in ("rank_pattern", "alpha_pattern") if recipe.known(name) not in (None, {})
    ]
    if recipe.known("use_rslora") is True and converting and patterns:
        yield Problem(
            patterns[0],
            f'{patterns[0]} with use_rslora and init_lora_weights="{method}": the adapter cannot '
            "be converted back to plain LoRA after training (PEFT warns).",
            severity=Severity.WARNING,
            also=("use_rslora",),
            key="peft/rslora-patterns-with-converted-initialisation",
        )


def _two_widths(recipe: Recipe) -> Iterator[Problem]:
    if recipe.known("load_in_4bit") is True and recipe.known("load_in_8bit") is True:
        yield Problem(
            "load_in_8bit",
            "load_in_4bit and load_in_8bit are both on: transformers raises ValueError.",
            help="Keep one.",
            also=("load_in_4bit",),
            key="transformers/load-in-4bit-with-load-in-8bit",
        )


def _all_excluded(recipe: Recipe) -> Iterator[Problem]:
    excluded, targets = recipe.known("exclude_modules"), recipe.known("target_modules")
    if excluded in (".*", ".+"):
        everything = True
    else:
        everything = (
            isinstance(excluded, list | tuple | set)
            and isinstance(targets, list | tuple | set)
            and bool(targets)
            and set(targets) <= set(excluded)
        )
    if everything:
        yield Problem(
            "exclude_modules",
            "exclude_modules takes out every target: PEFT raises, no module is left to adapt.",
            also=("target_modules",),
            key="peft/every-target-excluded",
        )


def _saved_targets(recipe: Recipe) -> Iterator[Problem]:
    saved = elements_of(value_of(recipe.settings.get("modules_to_save"), "modules_to_save"))
    targets = value_of(recipe.settings.get("target_modules"), "target_modules")
    both = [name for name in elements_of(targets) if name in saved]
    if both:
        alone = isinstance(targets, Known) and len(both) == len(elements_of(targets))
        yield Problem(
            "modules_to_save",
            f"{', '.join(map(str, both))} also stand in target_modules: "
            + (
                "PEFT raises, no module is left to adapt." if alone else "trained in full, no LoRA."
            ),
            severity=Severity.ERROR if alone else Severity.WARNING,
            help="Name each module in one of the two.",
            also=("target_modules",),
            key="peft/target-in-modules-to-save",
        )


def _bdlora(recipe: Recipe) -> Iterator[Problem]:
    config = recipe.known("use_bdlora")
    if not isinstance(config, dict):
        return
    first, second = config.get("target_modules_bd_a"), config.get("target_modules_bd_b")
    if isinstance(first, list) and isinstance(second, list) and set(first) & set(second):
        yield Problem(
            "use_bdlora",
            "target_modules_bd_a and target_modules_bd_b overlap: PEFT raises ValueError.",
            key="peft/bdlora-sides-overlap",
        )
    targets = recipe.known("target_modules")
    sides = [*_names(first), *_names(second)]
    if isinstance(targets, list) and sides and config.get("match_strict", True):
        neither = [name for name in targets if not any(side in name for side in sides)]
        if neither:
            yield Problem(
                "use_bdlora",
                f"{', '.join(map(str, neither))} stand in neither target_modules_bd_a nor "
                "target_modules_bd_b: PEFT raises ValueError.",
                also=("target_modules",),
                key="peft/bdlora-target-on-neither-side",
            )


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _given(recipe: Recipe, name: str) -> bool:
    """Whether a setting is written and certainly not empty."""
    setting = recipe.settings.get(name)
    return (
        setting is not None
        and setting.written
        and bool(setting.candidates)
        and all(value not in (None, False, "", [], {}) for value in setting.candidates)
    )


CONFLICTS = (
    _text_targets,
    _pattern_alone,
    _lora_bias,
    _variants,
    _loftq,
    _orthogonal,
    _rslora_conversion,
    _all_excluded,
    _saved_targets,
    _bdlora,
)
"""Each pair that is refused, a function each."""
