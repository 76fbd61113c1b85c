"""Values that the library refuses: alone (LL002), or next to another one (LL011)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from lora_rules.evidence import PEFT_SOURCE, TRANSFORMERS_SOURCE
from lora_rules.recipe import HANDED_ON, Origin, Recipe, Setting
from lora_rules.rule import Problem, Safety, Set, Severity, rule

TASK_TYPES = (
    "SEQ_CLS",
    "SEQ_2_SEQ_LM",
    "CAUSAL_LM",
    "TOKEN_CLS",
    "QUESTION_ANS",
    "FEATURE_EXTRACTION",
)
INITIALISATIONS = (
    "gaussian",
    "eva",
    "olora",
    "pissa",
    "corda",
    "loftq",
    "orthogonal",
    "lora_ga",
    "mica",
)
"""What PEFT 0.21.2 knows, next to True, False and ``pissa_niter_<number>``."""
IN_ANY_CASE = ("gaussian", "olora", "mica")
"""Those that PEFT lowers before it compares (``OLoRA``); the others it takes as they are."""
QUANT_TYPES = ("nf4", "fp4")


@rule("LL002", Severity.ERROR, evidence=[PEFT_SOURCE, TRANSFORMERS_SOURCE])
def invalid_value(recipe: Recipe) -> Iterator[Problem]:
    """A value that the library refuses, or takes for something else.

    ## What it checks
    Each adapter setting against what PEFT accepts: `r` a positive whole number, `lora_alpha` and
    `lora_dropout` numbers, `bias` one of "none", "all" and "lora_only", `task_type` and
    `init_lora_weights` known names, `modules_to_save` a list, `rank_pattern` and `alpha_pattern`
    dicts with valid expressions and values, `layers_to_transform` whole numbers,
    `target_parameters` a list; and `bnb_4bit_quant_type` one of "nf4" and "fp4". Where a
    framework reads the setting before PEFT does and may know more spellings, only numbers are
    judged.

    ## Why it matters
    Most of these raise while the adapter is built, after the base model has been loaded. Two are
    worse: `modules_to_save="lm_head"` is read letter by letter and saves (and trains) every
    module whose name ends in one of the letters, and an unknown quantization type fails late.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, bias="None")  # LL002: "None"
    ```
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 0  # LL002: 0
    lora_alpha: 32
    lora_target_linear: true
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, bias="none", task_type="CAUSAL_LM")
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    for name, complaint in CHECKS.items():
        setting = recipe.settings.get(name)
        if setting is None or not setting.candidates or not setting.written:
            continue
        if not _is_refused(recipe, setting):
            continue
        texts = [complaint(value) for value in setting.candidates]
        if all(texts):
            yield _told(setting, str(texts[0]))


RAISES = frozenset({"task_type", "bias", "init_lora_weights"})
"""A word that PEFT does not know here stops the run: no run is changed by the right one."""


def _told(setting: Setting, text: str) -> Problem:
    nearest = _nearest(setting)
    return Problem(
        setting.name,
        f"{setting.key} = {setting.candidates[0]!r}: {text}.",
        help=f"Did you mean {nearest!r}?" if nearest else "",
        edits=(Set(setting.name, nearest),) if nearest else (),
        safety=Safety.SAFE if setting.name in RAISES else Safety.UNSAFE,
    )


def _is_refused(recipe: Recipe, setting: Setting) -> bool:
    """Whether what PEFT refuses is what PEFT gets here.

    A framework that reads the setting first may turn text into a number, or know more spellings.
    """
    if recipe.dialect in HANDED_ON:
        numeric = setting.name in ("r", "lora_alpha", "lora_dropout")
        texts = all(isinstance(value, str) for value in setting.candidates)
        return not (numeric and texts and recipe.dialect in ("axolotl", "trl"))
    return setting.name in ("r", "lora_alpha", "lora_dropout") and not any(
        isinstance(value, str) for value in setting.candidates
    )


CHOICES: Mapping[str, tuple[str, ...]] = {
    "task_type": TASK_TYPES,
    "bias": ("none", "all", "lora_only"),
    "init_lora_weights": INITIALISATIONS,
    "bnb_4bit_quant_type": QUANT_TYPES,
}


def _nearest(setting: Setting) -> str | None:
    value = setting.candidates[0]
    names = CHOICES.get(setting.name)
    if names is None or not isinstance(value, str):
        return None
    by_lower = {name.lower(): name for name in names}
    from difflib import get_close_matches  # only for a message

    close = get_close_matches(value.lower().replace("-", "_"), by_lower, n=1, cutoff=0.75)
    return by_lower[close[0]] if close else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rank(value: object) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return "PEFT needs a whole number"
    return None if value > 0 else "PEFT needs a positive number"


def _alpha(value: object) -> str | None:
    return None if _is_number(value) or isinstance(value, bool) else "PEFT needs a number"


def _dropout(value: object) -> str | None:
    return None if _is_number(value) or isinstance(value, bool) else "PEFT needs a number"


def _bias(value: object) -> str | None:
    if value in ("none", "all") or (isinstance(value, str) and value.endswith("_only")):
        return None
    return 'PEFT knows "none", "all" and "lora_only"'


def _task_type(value: object) -> str | None:
    if value is None or value in TASK_TYPES:
        return None
    return f"PEFT knows {', '.join(TASK_TYPES)}"


def _initialisation(value: object) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return "PEFT needs True, False or a method's name"
    if value.startswith("pissa_niter_"):
        number = value.removeprefix("pissa_niter_")
        return None if number.isdecimal() else "the number of iterations is not a number"
    if value.lower() in IN_ANY_CASE or value in INITIALISATIONS:
        return None
    return "PEFT raises for an initialisation that it does not know"


def _modules_to_save(value: object) -> str | None:
    if isinstance(value, str):
        return "a text is read letter by letter; PEFT needs a list"
    if isinstance(value, list | tuple) and any(item == "default" for item in value):
        return 'PEFT refuses a module called "default"'
    return None


def _expression(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        return f"not a valid regular expression ({error})"
    return None


def _target_modules(value: object) -> str | None:
    return _expression(value) if isinstance(value, str) else None


def _pattern(value: object, *, ranks: bool) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        return "PEFT needs a dict of module pattern and value"
    for key, number in value.items():
        complaint = _expression(key)
        if complaint:
            return f"{key!r} is {complaint}"
        if ranks and (not isinstance(number, int) or isinstance(number, bool) or number <= 0):
            return f"the rank of {key!r} is {number!r}, PEFT needs a positive whole number"
        if not ranks and not _is_number(number):
            return f"the alpha of {key!r} is {number!r}, PEFT needs a number"
    return None


def _rank_pattern(value: object) -> str | None:
    return _pattern(value, ranks=True)


def _alpha_pattern(value: object) -> str | None:
    return _pattern(value, ranks=False)


def _layers(value: object) -> str | None:
    items = value if isinstance(value, list | tuple) else [value]
    if value is None or all(isinstance(item, int) and item >= 0 for item in items):
        return None
    return "PEFT compares with layer numbers counted from 0, so this matches no layer"


def _target_parameters(value: object) -> str | None:
    return "PEFT needs a list of parameter names" if isinstance(value, str) else None


def _eva(value: object) -> str | None:
    return _nested(value, {"rho": (1.0, None), "tau": (0.0, 1.0)})


def _nested(value: object, limits: Mapping[str, tuple[float, float | None]]) -> str | None:
    if not isinstance(value, dict):
        return None
    for key, (low, high) in limits.items():
        number = value.get(key)
        if isinstance(number, int | float) and (number < low or (high and number > high)):
            upper = f" and at most {high:g}" if high else ""
            return f"{key} must be at least {low:g}{upper}"
    return None


def _quant_type(value: object) -> str | None:
    return None if value in QUANT_TYPES else 'bitsandbytes knows "nf4" and "fp4"'


CHECKS: Mapping[str, Callable[[object], str | None]] = {
    "r": _rank,
    "lora_alpha": _alpha,
    "lora_dropout": _dropout,
    "bias": _bias,
    "task_type": _task_type,
    "init_lora_weights": _initialisation,
    "target_modules": _target_modules,
    "exclude_modules": _target_modules,
    "modules_to_save": _modules_to_save,
    "rank_pattern": _rank_pattern,
    "alpha_pattern": _alpha_pattern,
    "layers_to_transform": _layers,
    "target_parameters": _target_parameters,
    "eva_config": _eva,
    "bnb_4bit_quant_type": _quant_type,
}
"""Each setting and what says why a value of it is refused (``None``: it is fine)."""


@rule("LL011", Severity.ERROR, evidence=[PEFT_SOURCE, TRANSFORMERS_SOURCE])
def incompatible_settings(recipe: Recipe) -> Iterator[Problem]:
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
    if recipe.dialect not in HANDED_ON:
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
            )


def _pattern_alone(recipe: Recipe) -> Iterator[Problem]:
    if _given(recipe, "layers_pattern") and not recipe.may_be("layers_to_transform"):
        yield Problem(
            "layers_pattern",
            "layers_pattern without layers_to_transform: PEFT raises ValueError.",
            help="Add layers_to_transform, or remove it.",
        )


def _lora_bias(recipe: Recipe) -> Iterator[Problem]:
    if recipe.known("lora_bias") is not True:
        return
    if recipe.known("use_dora") is True:
        yield Problem("lora_bias", "lora_bias does not work with use_dora: PEFT raises ValueError.")
    method = recipe.known("init_lora_weights")
    if isinstance(method, str):
        yield Problem(
            "lora_bias",
            f'lora_bias does not work with init_lora_weights="{method}": PEFT raises ValueError.',
            also=("init_lora_weights",),
        )


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


def _variants(recipe: Recipe) -> Iterator[Problem]:
    if recipe.known("use_dora") is True and _given(recipe, "megatron_config"):
        yield Problem("use_dora", "use_dora does not work with megatron_config: PEFT raises.")
    chosen = [name for name in VARIANTS if _given(recipe, name)]
    if chosen and recipe.known("init_lora_weights") == "mica":
        chosen.insert(0, "init_lora_weights")  # MiCA is a variant, too
    if len(chosen) > 1:
        yield Problem(
            chosen[1],
            f"{' and '.join(chosen)} cannot be combined: PEFT builds one variant of LoRA.",
            also=(chosen[0],),
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
            )
    elif isinstance(config, dict):
        missing = [key for key in ("loftq_bits", "loftq_iter") if key not in config]
        if missing:
            yield Problem(
                "loftq_config",
                f"loftq_config lacks {' and '.join(missing)}: PEFT raises KeyError for a dict "
                "that is not complete.",
                help="Pass loftq_config=LoftQConfig(loftq_bits=4), which fills in the rest.",
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
        )


def _two_widths(recipe: Recipe) -> Iterator[Problem]:
    if recipe.known("load_in_4bit") is True and recipe.known("load_in_8bit") is True:
        yield Problem(
            "load_in_8bit",
            "load_in_4bit and load_in_8bit are both on: transformers raises ValueError.",
            help="Keep one.",
            also=("load_in_4bit",),
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
        )


def _saved_targets(recipe: Recipe) -> Iterator[Problem]:
    saved, targets = recipe.known("modules_to_save"), recipe.known("target_modules")
    if not isinstance(saved, list | tuple) or not isinstance(targets, list | tuple):
        return
    both = [name for name in targets if name in saved]
    if both:
        alone = len(both) == len(targets)
        yield Problem(
            "modules_to_save",
            f"{', '.join(map(str, both))} also stand in target_modules: "
            + (
                "PEFT raises, no module is left to adapt." if alone else "trained in full, no LoRA."
            ),
            severity=Severity.ERROR if alone else Severity.WARNING,
            help="Name each module in one of the two.",
            also=("target_modules",),
        )


def _saved_letters(recipe: Recipe) -> Iterator[Problem]:
    saved, task = recipe.known("modules_to_save"), recipe.known("task_type")
    if isinstance(saved, tuple) and task in ("SEQ_CLS", "TOKEN_CLS"):
        yield Problem(
            "modules_to_save",
            f"modules_to_save is a tuple: PEFT appends the head for {task} and raises "
            "AttributeError.",
            help="Write a list.",
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
    _saved_letters,
    _bdlora,
)
"""Each pair that is refused, a function each."""
