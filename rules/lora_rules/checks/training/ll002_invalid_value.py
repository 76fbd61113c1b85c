"""Rule LL002, invalid-value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.keys import KeyPage, kebab
from lora_rules.engine.problem import Edit, Problem, Safety, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value, elements_of
from lora_rules.evidence import BITSANDBYTES_SOURCE, PEFT_SOURCE
from lora_rules.recipe import NoList, Setting

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


def key_of(setting: str) -> str:
    """The key of a setting's invalid values; who reads it comes first."""
    owner = "bitsandbytes" if setting.startswith("bnb_") else "peft"
    return f"{owner}/invalid-{kebab(setting)}"


def keys() -> Iterator[KeyPage]:
    """What is to be said of each key."""
    methods = ", ".join((*INITIALISATIONS, "pissa_niter_<number>"))
    needs = {
        "r": "a positive whole number",
        "lora_alpha": "a number",
        "lora_dropout": "a number",
        "bias": '"none", "all" or "lora_only"',
        "task_type": f"one of {', '.join(TASK_TYPES)}",
        "init_lora_weights": f"True, False or one of {methods}",
        "target_modules": "a list, or a text that is a regular expression",
        "exclude_modules": "a list, or a text that is a regular expression",
        "modules_to_save": 'a list without "default"; a text is read letter by letter',
        "rank_pattern": "a dict of regular expressions and positive whole numbers",
        "alpha_pattern": "a dict of regular expressions and numbers",
        "layers_to_transform": "layer numbers, counted from 0",
        "target_parameters": "a list of parameter names",
        "eva_config": "rho of 1 or more, and tau from 0 to 1",
        "bnb_4bit_quant_type": '"nf4" or "fp4"',
    }
    for setting, needed in needs.items():
        yield KeyPage(
            key_of(setting),
            f"A value of {setting} that PEFT or bitsandbytes cannot take: it has to be {needed}.",
        )


@rule(
    "LL002",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "LoraConfig itself checks only task_type, target_parameters and sub-configurations; "
            "other values raise while the adapter is built. A text of modules_to_save raises "
            "nothing and is read letter by letter."
        ),
        BITSANDBYTES_SOURCE.says(
            "A type other than nf4 and fp4 raises while the model is loaded, not before."
        ),
    ],
    keys=keys,
)
def invalid_value(
    framework: Behaviour,
    r: Value,
    lora_alpha: Value,
    lora_dropout: Value,
    bias: Value,
    task_type: Value,
    init_lora_weights: Value,
    target_modules: Value,
    exclude_modules: Value,
    modules_to_save: Value,
    rank_pattern: Value,
    alpha_pattern: Value,
    layers_to_transform: Value,
    target_parameters: Value,
    eva_config: Value,
    bnb_4bit_quant_type: Value,
) -> Iterator[Problem]:
    """A value that the library refuses, or takes for something else.

    ## What it checks
    An adapter setting has a value that PEFT refuses or takes for something else, or
    `bnb_4bit_quant_type` is neither "nf4" nor "fp4".

    - `r`: a positive whole number; `lora_alpha`, `lora_dropout`: numbers
    - `bias`: "none", "all" or "lora_only"; `task_type`, `init_lora_weights`: known names
    - `target_modules`, `exclude_modules`: as a text, a valid expression
    - `modules_to_save`, `target_parameters`: lists, the first no tuple or set where a task adds a
      head; `layers_to_transform`: numbers from 0
    - `rank_pattern`, `alpha_pattern`: dicts of expressions and numbers; `eva_config`: rho and tau
      within their limits
    - Where a framework reads the setting before PEFT and may know more spellings, only numbers are
      checked.

    ## Why it matters
    Most of these raise while the adapter is built, after the base model has been loaded; an unknown
    quantization type raises while it is loaded. `modules_to_save="lm_head"` raises nothing: it is
    read letter by letter, and every module whose name ends in one of the letters is trained and
    saved, the whole model among them.

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
    given = (
        r,
        lora_alpha,
        lora_dropout,
        bias,
        task_type,
        init_lora_weights,
        target_modules,
        exclude_modules,
        modules_to_save,
        rank_pattern,
        alpha_pattern,
        layers_to_transform,
        target_parameters,
        eva_config,
        bnb_4bit_quant_type,
    )
    for each, complaint in zip(given, COMPLAINTS.values(), strict=True):
        if not isinstance(each, Known) or not each.setting.written:
            continue
        value = _read(each.value, target_modules) if complaint in PATTERNS else each.value
        if _is_refused(framework, each.setting) and (text := complaint(value)):
            yield _problem(each.setting, text)
    if isinstance(modules_to_save, Known) and isinstance(modules_to_save.value, NoList):
        yield from _not_extended(modules_to_save, task_type)


def _not_extended(modules_to_save: Known, task_type: Value) -> Iterator[Problem]:
    """A tuple or a set, to which PEFT cannot add the head of the task."""
    from lora_rules.facts.adapter.saved_modules import SAVED_BY_TASK  # few scripts write a tuple

    if not isinstance(task_type, Known) or task_type.value not in SAVED_BY_TASK:
        return
    edits: tuple[Edit, ...] = ()
    if isinstance(modules_to_save.value, list):
        edits = (Set("modules_to_save", list(modules_to_save.value)),)
    yield Problem(
        "modules_to_save",
        f"modules_to_save is no list: for {task_type.value} PEFT extends it with the head, and "
        "raises AttributeError.",
        help="Write a list.",
        edits=edits,
        key=key_of("modules_to_save"),
    )


RAISES = frozenset({"task_type", "bias", "init_lora_weights"})
"""A word that PEFT does not know here stops the run: no run is changed by the right one."""


def _problem(setting: Setting, text: str) -> Problem:
    nearest = _nearest(setting)
    return Problem(
        setting.name,
        f"{setting.key} = {setting.value!r}: {text}.",
        help=f"Did you mean {nearest!r}?" if nearest else "",
        edits=(Set(setting.name, nearest),) if nearest else (),
        safety=Safety.SAFE if setting.name in RAISES else Safety.UNSAFE,
        key=key_of(setting.name),
    )


def _is_refused(framework: Behaviour, setting: Setting) -> bool:
    """Whether what PEFT refuses is what PEFT gets here.

    A framework that reads the setting first may turn text into a number, or know more spellings.
    """
    numeric = setting.name in ("r", "lora_alpha", "lora_dropout")
    is_text = isinstance(setting.value, str)
    if framework.adapter_as_written:
        return not (numeric and is_text and framework.numbers_from_text)
    return numeric and not is_text


CHOICES: Mapping[str, tuple[str, ...]] = {
    "task_type": TASK_TYPES,
    "bias": ("none", "all", "lora_only"),
    "init_lora_weights": INITIALISATIONS,
    "bnb_4bit_quant_type": QUANT_TYPES,
}


def _nearest(setting: Setting) -> str | None:
    value = setting.value
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
    if isinstance(value, list | tuple) and any(isinstance(each, int | float) for each in value):
        return "PEFT needs names, and splits each at its dots"
    if not isinstance(value, str):
        return None
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        return f"not a valid regular expression ({error})"
    return None


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


PATTERNS = (_rank_pattern, _alpha_pattern)


def _read(patterns: object, target_modules: Value) -> object:
    """Without the names that are no target's: PEFT warns of those, and reads no value of theirs."""
    names = {str(name).rpartition(".")[2] for name in elements_of(target_modules)}
    if not isinstance(patterns, dict) or not isinstance(target_modules, Known) or not names:
        return patterns
    return {
        key: value
        for key, value in patterns.items()
        if not (isinstance(key, str) and key.isidentifier()) or key in names
    }


def _layers(value: object) -> str | None:
    items = value if isinstance(value, list | tuple) else [value]
    if value is None or all(_is_layer(item) for item in items):
        return None
    return "PEFT compares with layer numbers counted from 0, so this matches no layer"


def _is_layer(item: object) -> bool:
    """Whether it equals the number of a layer; a float may: ``0.0 == 0``."""
    return isinstance(item, int | float) and item >= 0 and item % 1 == 0


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


COMPLAINTS: Mapping[str, Callable[[object], str | None]] = {
    "r": _rank,
    "lora_alpha": _alpha,
    "lora_dropout": _dropout,
    "bias": _bias,
    "task_type": _task_type,
    "init_lora_weights": _initialisation,
    "target_modules": _expression,
    "exclude_modules": _expression,
    "modules_to_save": _modules_to_save,
    "rank_pattern": _rank_pattern,
    "alpha_pattern": _alpha_pattern,
    "layers_to_transform": _layers,
    "target_parameters": _target_parameters,
    "eva_config": _eva,
    "bnb_4bit_quant_type": _quant_type,
}
"""Of each setting, what is wrong with a value; in the order of the rule's parameters."""


def is_reported(framework: Behaviour, setting: str, value: object) -> bool:
    """Whether this rule reports a value of a key that the framework hands on as it is."""
    complaint = COMPLAINTS.get(setting)
    if value == [] or isinstance(value, dict):
        return False  # the setting is not known: a sweep over nothing, or a mapping
    return framework.adapter_as_written and complaint is not None and bool(complaint(value))
