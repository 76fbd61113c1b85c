"""Rule LL001, unknown-key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lora_rules.checks.training.parameters import (
    DROPPING,
    in_any,
    in_newest,
    moment,
    of_other_version,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Rename, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.engine.version_range import VersionRange
from lora_rules.engine.views import Outline
from lora_rules.evidence import FRAMEWORK_SOURCES, PEFT_SOURCE, TRANSFORMERS_SOURCE
from lora_rules.libraries import signatures
from lora_rules.libraries.successors import RENAMED, Successor, successor
from lora_rules.recipe import Block, Blocks, Key, Origin

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins


@rule(
    "LL001",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says("LoraConfig(alpha=32) raises TypeError: unexpected keyword (run)."),
        TRANSFORMERS_SOURCE.says(
            "BitsAndBytesConfig(bnb4_quant_type=...) is accepted and keeps its defaults (run)."
        ),
        FRAMEWORK_SOURCES.says(
            "axolotl's configuration is a pydantic model that ignores unknown keys."
        ),
    ],
    without_adapter=True,
    of_records=True,
)
def unknown_key(
    blocks: Blocks,
    framework: Behaviour,
    pins: Pins,
    trainer_method: Value,
    outline: Outline,
    *,
    allow: tuple[str, ...] = (),
) -> Iterator[Problem]:
    """A keyword or key that its receiver does not know.

    ## What it checks
    A keyword of a call is not in the receiver's signature in the versions that the repository
    allows, or a key of a file is not among those that its framework reads.

    - The versions are those pinned, without a pin the newest.
    - An error where the receiver refuses the key in every allowed version.
    - A warning where it drops the key, or where only older allowed versions take it.
    - Info where only versions newer than those we read are allowed.
    - A TRL file is checked against the classes of TRL's scripts: a misspelt or removed key is a
      warning, any other, which a script of one's own may read, info.
    - Options of commands and arguments of torchtune's components alike.
    - Not checked: frameworks whose keys are not listed in full.

    ## Why it matters
    PEFT's and TRL's configurations raise TypeError. axolotl and `BitsAndBytesConfig` drop what they
    do not know: the value that was meant never arrives.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, alpha=32, target_modules="all-linear")  # LL001: alpha
    ```
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    warmup_ration: 0.1  # LL001: warmup_ration
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    It fires on four of the 309 official recipes (1.3 %), on five keys that axolotl's schema lacks:
    `torch_dtype`, `gptq_disable_exllama`, `adam_eps`, `test_value` and a misspelt
    `context_parapllel_size`.

    ## When to ignore it
    When a plugin reads the key, or a fork of the library accepts it: put it into `allow`.

    ## Options
    - `allow` (none): keys that pass everywhere.
    """
    for block in blocks:
        if block.programs:
            from lora_rules.checks.training.options import against_programs

            passing = (*allow, *framework.launcher_keys)
            yield from against_programs(block, framework, pins, passing, nearest_key)
            continue
        if outline.result and not framework.uses_adapters:
            continue  # what is recorded was accepted, and a script that answers trains nothing
        if block.receiver.partition(".")[0] in framework.replaces:
            continue  # classes of its own, with more parameters, take their place
        if "." in block.receiver and signatures.is_known(block.receiver):
            yield from _against_signature(block, pins, allow)
        elif scripts := framework.scripts(
            _named_method(trainer_method), [key.name for key in block.keys]
        ):
            from lora_rules.checks.training.argument_keys import against_classes

            yield from against_classes(block, scripts, framework, pins, allow)
        elif block.known_keys:
            passing = (*allow, *framework.launcher_keys)
            yield from _against_list(block, framework, passing)


def _against_signature(block: Block, pins: Pins, allow: tuple[str, ...]) -> Iterator[Problem]:
    receiver = block.receiver
    if signatures.is_open(receiver) and receiver not in DROPPING:
        return
    own, inherited = pins[receiver.partition(".")[0]], pins["transformers"]
    newest = in_newest(receiver, own, inherited)
    unread = _above_tables(receiver, own, inherited)
    for key in block.keys:
        if key.name in newest or key.name in allow:
            continue
        source = signatures.owner(receiver, key.name)
        pin = pins[source.partition(".")[0]]
        if moment(receiver, key.name, source):
            if not pin.at_commit:
                certain = key.name not in in_any(receiver, own, inherited)
                instead = successor(receiver, key.name, newest)
                edits = _rename(key.name, newest, instead)
                lacks = f"{receiver.rpartition('.')[2]} has no parameter"
                yield of_other_version(receiver, lacks, key, pin, certain, (instead, edits))
        else:
            meant = _rename(key.name, newest)
            held = "" if meant or not own.at_commit else "it is held at a commit, or copied"
            yield _never_known(block, key, unread or held, newest)


def _named_method(trainer_method: Value) -> str:
    """The method that a command names."""
    if isinstance(trainer_method, Known) and trainer_method.setting.origin is Origin.WRITTEN:
        return str(trainer_method.value)
    return ""


def _never_known(block: Block, key: Key, unread: str, known: frozenset[str]) -> Problem:
    """A parameter that no version has, as far as we have read them."""
    callee = block.receiver.rpartition(".")[2]
    text = f"{callee} has no parameter {key.name}"
    if unread:
        return _unknown(key, f"{text}, as far as is known: {unread}.", known, Severity.INFO)
    drops = block.receiver in DROPPING
    effect = "it is ignored" if drops else "TypeError"
    severity = Severity.WARNING if drops else None
    problem = _unknown(key, f"{text}: {effect}.", known, severity)
    instead = successor(block.receiver, key.name, known)
    if instead is None:
        return problem
    return problem._replace(help=instead.advice, edits=_rename(key.name, known, instead))


def _above_tables(receiver: str, own: VersionRange, inherited: VersionRange) -> str:
    """Whose versions are newer than those that we have read, if any are."""
    above = signatures.parent(receiver)
    for callee, pin in ((receiver, own), *(((above, inherited),) if above else ())):
        if signatures.is_above_table(callee, pin):
            library, last = callee.partition(".")[0], signatures.versions(callee)[-1]
            return f"{library} {pin} is newer than {last}, the last that we have read"
    return ""


def _against_list(block: Block, framework: Behaviour, allow: tuple[str, ...]) -> Iterator[Problem]:
    written = block.known_keys.intersection([key.name for key in block.keys])
    for key in block.keys:
        leaf = key.name.rpartition(".")[2]
        if key.name in block.known_keys or key.name in allow or leaf in allow:
            continue
        if not block.strict and key.candidates == (None,):
            continue  # dropped, and empty anyway
        from lora_rules.checks.training.argument_keys import is_slip  # few files have such a key

        effect = "refuses it" if block.strict else "drops it without a word"
        text = f"{framework.label} does not know {key.name} and {effect}."
        free = block.known_keys.difference(name for name in written if not is_slip(key.name, name))
        yield _unknown(key, text, free, None if block.strict else Severity.WARNING)


def _unknown(key: Key, text: str, known: Iterable[str], severity: Severity | None) -> Problem:
    edits = _rename(key.name, known)
    return Problem(
        key.span,
        text,
        severity=severity,
        help=f"Did you mean {edits[0].to}?" if edits else "Remove it, or check its spelling.",
        edits=edits,
    )


def _rename(
    name: str, known: Iterable[str], instead: Successor | None = None
) -> tuple[Rename, ...]:
    nearest = nearest_key(name, known) if instead is None else instead.rename
    return (Rename(name, nearest),) if nearest else ()


SYNONYMS = {
    "rank": "r",
    "lora_r": "r",
    "lora_rank": "r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "lora_target_modules": "target_modules",
    "targets": "target_modules",
    "lora_bias_type": "bias",
    "lora_layers": "num_layers",
}
"""What people write for PEFT's and TRL's names, too far apart for spelling alone to tell."""


def nearest_key(name: str, known: Iterable[str]) -> str | None:
    """The known key that was probably meant, of the same mapping, or ``None``."""
    above, dot, leaf = name.rpartition(".")
    if dot:
        beside = (each.rpartition(".") for each in known)
        meant = nearest_key(leaf, [last for parent, _, last in beside if parent == above])
        return f"{above}.{meant}" if meant else None
    names = sorted(known)
    for table in (SYNONYMS, RENAMED):
        if table.get(name) in names:
            return table[name]
    lowered = {candidate.lower(): candidate for candidate in names}
    if name.lower() in lowered:
        return lowered[name.lower()]
    from difflib import get_close_matches  # only for a message

    close = get_close_matches(name, names, n=1, cutoff=0.8)
    return close[0] if close else None
