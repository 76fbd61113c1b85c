"""Rule LL014, value-not-accepted."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.evidence import FRAMEWORK_SOURCES
from lora_rules.frameworks.accepted import Accepted, table
from lora_rules.recipe import Block, Blocks, Key

if TYPE_CHECKING:
    from lora_rules.engine.version_range import VersionRange
    from lora_rules.facts.versions.pins import Pins

WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "list": "a list",
    "dict": "a mapping",
}
QUOTED = {"flag": WORDS["bool"], "number": WORDS["float"]}
"""Where a framework converts texts only: what a text has to be."""
PLACEHOLDER = lazily(r"\$\{|\{\{|^<.*>$")
AT_MOST = 12
"""So many values are listed in a message; of more, those that are near."""


@rule(
    "LL014",
    Severity.ERROR,
    evidence=[
        FRAMEWORK_SOURCES.says(
            "axolotl 0.19.0 checks every key against a type or a list of values before it loads "
            "anything, and raises ValidationError. LLaMA-Factory 0.9.5 (get_train_args) and "
            "ms-swift 4.6.0 (its argument parser) were asked about every key, as were the scripts "
            "of TRL 1.16.0."
        )
    ],
    without_adapter=True,
)
def value_not_accepted(
    framework: Behaviour, blocks: Blocks, lora_enabled: Value, pins: Pins
) -> Iterator[Problem]:
    """A value of another type than the key has, or that is none of those which it may have.

    ## What it checks
    Each key of a file of axolotl, LLaMA-Factory, ms-swift, TRL, LitGPT or Oumi against what the
    framework itself accepts, by the conversions that it makes.

    - For axolotl `"10"` is a number, `yes` is true; LLaMA-Factory converts nothing; for ms-swift
      `null` is the text "None".
    - A value outside a list of values is a warning, because lists grow with the versions. Where
      ms-swift is pinned, the list is that of its version.
    - A value of another type is an error.
    - A number without a point (`2e-5`), which LLaMA-Factory before 0.9.4 reads as a text: an error
      where such a version is pinned, an info where none is.
    - Where the switch of LoRA has another value, that value alone.
    - Not checked: frameworks whose schema is not recorded here, and keys that the schema does not
      have (LL001).

    ## Why it matters
    The framework raises when it reads the file.

    ## Bad
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    chat_template: lama3  # LL014: lama3
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    chat_template: llama3
    ```

    ## When to ignore it
    When a fork of the framework accepts the value.

    ## Options
    None.
    """
    off = isinstance(lora_enabled, Known) and lora_enabled.value is False
    switch = lora_enabled.setting.key if off and isinstance(lora_enabled, Known) else ""
    for block in blocks:
        accepted = table(block.receiver)
        if accepted is None:
            continue
        plugins = any(key.name in framework.plugin_keys for key in block.keys)
        mappings = {key.name.rpartition(".")[0] for key in block.keys}
        for key in block.keys:
            if switch and key.name != switch:
                continue  # the file is of another kind of run, or means to be one
            takes = accepted.of(framework.former_keys.get(key.name, key.name))
            if takes is None or (plugins and takes.values):
                continue
            takes, source = _of_pinned(takes, accepted.source, block, key, pins)
            if key.name in mappings:
                key = key._replace(candidates=({},), value_span=key.span)
            yield from _judge(key, takes, framework, source)
        if framework.yaml_1_2_since:
            yield from _texts(block, framework, pins[framework.package])


def _of_pinned(
    takes: Accepted, source: str, block: Block, key: Key, pins: Pins
) -> tuple[Accepted, str]:
    """With the values of the versions that are allowed, where those are known and others."""
    if not takes.values or not block.programs:
        return takes, source
    library = block.programs[0].partition(".")[0]
    pin = pins[library]
    if not pin.bounded or pin.at_commit or pin.contains(source.rpartition(" ")[2]):
        return takes, source
    from lora_rules.libraries import signatures  # few repositories pin a framework

    listed: dict[str, None] = {}
    try:
        for program in block.programs:
            listed.update(dict.fromkeys(signatures.choices(program, key.name, pin)))
    except KeyError:
        return takes, source
    if not listed:
        return takes, source
    return takes._replace(values=tuple(listed)), f"{library} {pin}"


def _texts(block: Block, framework: Behaviour, pin: VersionRange) -> Iterator[Problem]:
    """Numbers without a point, which older versions read as texts; where none is pinned, one."""
    since = framework.yaml_1_2_since
    if pin.at_commit or (pin.bounded and pin.certainly_at_least(since)):
        return
    certain = pin.bounded and pin.certainly_below(since)
    for key in block.keys if certain else _first_text(block):
        if not key.text_to_pyyaml or not isinstance(key.candidates[0], float):
            continue
        number = repr(key.candidates[0])
        right = number if "." in number else number.replace("e", ".0e")
        yield Problem(
            key.value_span or key.span,
            f"{key.name} is a text to {framework.label} before {since}, which reads YAML 1.1: a "
            "number has a point there.",
            severity=None if certain else Severity.INFO,
            help=f"Write {right}.",
        )


def _first_text(block: Block) -> tuple[Key, ...]:
    return next(((key,) for key in block.keys if key.text_to_pyyaml), ())


def _judge(key: Key, takes: Accepted, framework: Behaviour, source: str) -> Iterator[Problem]:
    if not key.candidates or key.overridable or any(map(takes.takes, key.candidates)):
        return
    value = key.candidates[0]
    if isinstance(value, str) and PLACEHOLDER.search(value):
        return  # filled in before the framework reads it
    if framework.adapter_as_written:
        from lora_rules.checks.training.ll002_invalid_value import is_reported

        if is_reported(framework, key.name.rpartition(".")[2], value):
            return
    listed = takes.values and isinstance(value, str | bool | int | float)
    nearest = _nearest(value, takes.values)
    shown = "a mapping" if isinstance(value, dict) else repr(value)
    yield Problem(
        key.value_span or key.span,
        f"{key.name} = {shown}: {framework.label} takes {_described(takes)} ({source}).",
        severity=Severity.WARNING if listed else None,
        help=f"Did you mean {nearest}?" if nearest else "",
    )


def _nearest(value: object, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches  # imported here: few values are wrong

    near = get_close_matches(str(value), known, 1) if isinstance(value, str) else []
    return near[0] if near else ""


def _described(takes: Accepted) -> str:
    types = [word for kind, word in WORDS.items() if kind in takes.types]
    for kind, word in QUOTED.items():
        if kind in takes.types and "str" not in takes.types:
            # other types pass unconverted, and nobody means them
            whole = kind == "number" and "int" in takes.types and "float" not in takes.types
            types = [WORDS["int"] if whole else word]
    shown = [f'"{value}"' for value in takes.values[:AT_MOST]]
    more = len(takes.values) - len(shown)
    parts = [*shown, *([f"{more} more"] if more else []), *types]
    return " or ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else "no value"
