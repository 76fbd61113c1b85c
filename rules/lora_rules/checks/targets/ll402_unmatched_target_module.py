"""Rule LL402, unmatched-target-module."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.checks.targets.target_names import HEADS
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Edit, Problem, Safety, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.engine.views import Outline
from lora_rules.evidence import PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


ALL_LINEAR_SLIPS = frozenset({"all", "all_linear", "all-linears", "all linear", "alllinear", "*"})
"""What people write for "all-linear"; PEFT takes each for the name of a module."""


NAME = lazily(r"[A-Za-z_][\w]*(\.[\w]+)*")
"""A module's name or the end of its path."""


@rule(
    "LL402",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "check_target_module_exists matches a text against whole paths (re.fullmatch) and "
            "names against their ends; what fits nothing is skipped in silence unless nothing "
            "fits."
        ),
    ],
)
def unmatched_target_module(
    outline: Outline,
    framework: Behaviour,
    model_name_or_path: Value,
    trust_remote_code: Value,
    target_modules: list[str] | str | None = None,
    target_parameters: list[str] | None = None,
    targeted: Targeted | None = None,
    pinned_transformers: VersionRange = ANY,
) -> Iterator[Problem]:
    r"""A target that no module of the model can match.

    ## What it checks
    An entry of `target_modules` or `target_parameters` that no module of the model can match.

    - Whatever the model is: "all-linear" in a list, its near misses ("all", "all_linear"), names
      with commas in one text, a bare name as a text (matched against whole paths), expressions or
      quotes in a list, an empty list.
    - Where the model is known: names and expressions that fit no module. One name of a list is an
      error if the model has a layer in its place (`out_proj` for `o_proj`), else a warning.
    - A warning, too, where the model may be another, and for names from before transformers 5
      unless 5 is pinned.
    - Not checked: frameworks that read the names first; old names of experts, which PEFT
      translates.

    ## Why it matters
    If nothing matches, PEFT raises after the model has been loaded. If something else in the list
    matches, the rest is skipped without a word, and part of the model is never trained.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules=["all-linear"])  # LL402: ["all-linear"]
    ```
    ```python
    from peft import LoraConfig

    names = "q_proj,v_proj"
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL402: names
    ```
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("facebook/opt-1.3b")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "fc1", "fc2"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL402: names
    model = get_peft_model(model, config)
    ```
    ```yaml
    model_name_or_path: gpt2
    dataset_name: trl-lib/Capybara
    use_peft: true
    lora_r: 16
    lora_target_modules: [q_proj, v_proj]  # LL402: [q_proj, v_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules=r".*\\.(q_proj|v_proj)")
    ```
    ```yaml
    model_name_or_path: gpt2
    dataset_name: trl-lib/Capybara
    use_peft: true
    lora_r: 16
    lora_target_modules: [c_attn, c_proj, c_fc]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    ```

    ## When to ignore it
    When the model really has a module of that name, because its code is not transformers' own.

    ## Options
    None.
    """
    if outline.domain == "image" or outline.unapplied:
        return  # their programs read the names first: wildcards, "all", comma lists
    problems: list[Problem] = []
    if not framework.adapter_as_written:
        pass  # spellings of its own; where it hands plain names on, these are resolved
    elif isinstance(target_modules, str):
        problems += _text(target_modules, targeted)
    elif target_modules is not None:
        problems += _names(list(target_modules), bool(target_parameters))
    if targeted is not None and not problems:
        from lora_rules.checks.targets.target_misses import Model, misses  # only where it is known

        model = Model(model_name_or_path, trust_remote_code, pinned_transformers)
        problems += misses(model, targeted, target_parameters or ())
    yield from problems


def _text(target: str, targeted: Targeted | None) -> Iterator[Problem]:
    if target.lower() == "all-linear":
        return
    if target.lower() in ALL_LINEAR_SLIPS:
        text = f'"{target}" is matched as an expression and fits no module'
        yield _problem(text, "all-linear", fails=True)
    elif "," in target and NAME.fullmatch(target.split(",")[0].strip()):
        names = [name.strip() for name in target.split(",") if name.strip()]
        text = f'"{target}" is one text, not a list of names, and fits no module'
        yield _problem(text, names, fails=True)
    elif NAME.fullmatch(target) and "." not in target and not _is_on_top(target, targeted):
        yield _problem(
            f'"{target}" as a text has to match a module\'s whole path, and fits none', [target]
        )
    elif not target:
        yield _problem("an empty text fits no module", "all-linear", fails=True)


def _is_on_top(name: str, targeted: Targeted | None) -> bool:
    """Whether a name is a module's whole path: a head's is, most often."""
    return name in HEADS if targeted is None else name in targeted.inventory.kinds


def _names(names: list[str], parameters: bool) -> Iterator[Problem]:
    if not names:
        if not parameters:
            yield Problem(
                "target_modules",
                "target_modules is empty: PEFT raises, no module is left to adapt.",
                help="Name the modules to adapt, or all linear layers.",
            )
        return
    for name in names:
        if name.lower() == "all-linear" or name.lower() in ALL_LINEAR_SLIPS:
            text = f'"{name}" in a list is taken for a module\'s name and fits none'
            yield _problem(text, "all-linear", fails=len(names) == 1 and not parameters)
            return
    odd = [name for name in names if not NAME.fullmatch(name) and not _is_path(name)]
    if odd:
        yield Problem(
            "target_modules",
            f"{', '.join(map(repr, odd))}: a list holds names, not expressions; "
            + ("this fits no module." if len(odd) == len(names) else "skipped without a word."),
            help="Write the names themselves, or one expression as a text.",
        )


def _is_path(name: str) -> bool:
    """Numbers may begin a part of a path (``layers.0.q_proj``, ``to_out.0``, ``0``)."""
    return re.fullmatch(r"[\w-]+(\.[\w-]+)*", name) is not None


def _problem(text: str, instead: object, *, fails: bool = False) -> Problem:
    """``fails``: PEFT refused what was written, so that no run is changed by the edit."""
    edits: tuple[Edit, ...] = (Set("target_modules", instead),)
    return Problem(
        "target_modules",
        f"target_modules: {text}.",
        help=f"Write {instead!r}.",
        edits=edits,
        safety=Safety.SAFE if fails else Safety.UNSAFE,
    )
