"""Rule LL001, unknown-key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Rename, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import FRAMEWORK_SOURCES, PEFT_SOURCE, TRANSFORMERS_SOURCE
from lora_rules.facts.versions.vcs_pins import held_at_revision
from lora_rules.libraries import signatures
from lora_rules.recipe import Block, Key, Recipe


@rule(
    "LL001",
    Severity.ERROR,
    evidence=[PEFT_SOURCE, TRANSFORMERS_SOURCE, FRAMEWORK_SOURCES],
    without_adapter=True,
)
def unknown_key(
    recipe: Recipe,
    framework: Behaviour,
    pinned_peft: str | None = None,
    pinned_transformers: str | None = None,
    pinned_trl: str | None = None,
    *,
    allow: tuple[str, ...] = (),
) -> Iterator[Problem]:
    """A keyword or key that its receiver does not know.

    ## What it checks
    Every keyword of a call is looked up in the signature of the installed library's version, if
    the repository pins one, else of the newest; every key of a framework's file in the list of
    keys that the framework reads, where that list is known in full. It is an error where the
    receiver refuses the key, a warning where it drops it without a word, or where the key existed
    in an older version and nothing is pinned.

    ## Why it matters
    PEFT's and TRL's configurations raise TypeError. axolotl, nemo-automodel and Unsloth Studio
    drop what they do not know: the value that was meant never arrives, and the run looks normal.

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

    Among the official recipes it fires on four (1.3 %), each time rightly: three keys that axolotl
    no longer reads, and one misspelt (`context_parapllel_size`).

    ## When to ignore it
    When a plugin reads the key, or a fork of the library accepts it: put it into `allow`.

    ## Options
    - `allow` (none): keys that pass everywhere.
    """
    pins = {"peft": pinned_peft, "transformers": pinned_transformers, "trl": pinned_trl}
    for block in recipe.blocks:
        if block.receiver.partition(".")[0] in framework.replaces:
            continue  # classes of its own, with more parameters, take their place
        if "." in block.receiver and signatures.is_known(block.receiver):
            yield from _against_signature(recipe, block, pins, allow)
        elif block.known_keys:
            yield from _against_list(block, framework.label, allow)


def _against_signature(
    recipe: Recipe, block: Block, pins: Mapping[str, str | None], allow: tuple[str, ...]
) -> Iterator[Problem]:
    if signatures.is_open(block.receiver):
        return
    library, _, callee = block.receiver.partition(".")
    callee = callee.rpartition(".")[2]
    version = pins.get(library)
    known = _known_fields(block.receiver, version, pins.get("transformers"))
    quiet = callee == "BitsAndBytesConfig"  # it only logs what it does not know
    for key in block.keys:
        if key.name in known or key.name in allow:
            continue
        source = signatures.owner(block.receiver, key.name).partition(".")[0]
        moment = _moment(block.receiver, key.name, source)
        if moment:
            pin = pins.get(source)
            if not pin and held_at_revision(recipe, source):
                continue
            here = f"{source} {pin}" if pin else f"the newest {source}"
            yield Problem(
                key.span,
                f"{callee} has no parameter {key.name} in {here}: it {moment}.",
                severity=Severity.ERROR if pin and not quiet else Severity.WARNING,
                help=f"Write it the way {here} wants it, or pin {source}.",
                edits=_rename(key.name, known),
            )
        else:
            effect = "it is ignored" if quiet else "TypeError"
            text = f"{callee} has no parameter {key.name}: {effect}."
            yield _unknown(key, text, known, Severity.WARNING if quiet else None)


def _known_fields(receiver: str, version: str | None, parent: str | None) -> frozenset[str]:
    """The parameters of a version; of one too old to be known, all that ever were."""
    try:
        return signatures.fields(receiver, version, parent)
    except KeyError:
        return signatures.every_field(receiver)


def _moment(receiver: str, name: str, source: str) -> str:
    """When a parameter came or went, if it ever was one."""
    removed = signatures.removed(receiver, name)
    if removed:
        return f"was removed by {source} {removed}"
    introduced = signatures.introduced(receiver, name)
    return f"came with {source} {introduced}" if introduced else ""


def _against_list(block: Block, who: str, allow: tuple[str, ...]) -> Iterator[Problem]:
    for key in block.keys:
        leaf = key.name.rpartition(".")[2]
        if key.name in block.known_keys or key.name in allow or leaf in allow:
            continue
        if not block.strict and key.candidates == (None,):
            continue  # dropped, and empty anyway
        effect = "refuses it" if block.strict else "drops it without a word"
        text = f"{who} does not know {key.name} and {effect}."
        yield _unknown(key, text, block.known_keys, None if block.strict else Severity.WARNING)


def _unknown(key: Key, text: str, known: Iterable[str], severity: Severity | None) -> Problem:
    edits = _rename(key.name, known)
    return Problem(
        key.span,
        text,
        severity=severity,
        help=f"Did you mean {edits[0].to}?" if edits else "Remove it, or check its spelling.",
        edits=edits,
    )


def _rename(name: str, known: Iterable[str]) -> tuple[Rename, ...]:
    nearest = nearest_key(name, known)
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
    "evaluation_strategy": "eval_strategy",
    "max_seq_length": "max_length",
}
"""What people write for PEFT's and TRL's names, too far apart for spelling alone to tell."""


def nearest_key(name: str, known: Iterable[str]) -> str | None:
    """The known key that was probably meant, or ``None``."""
    names = sorted(known)
    if SYNONYMS.get(name) in names:
        return SYNONYMS[name]
    lowered = {candidate.lower(): candidate for candidate in names}
    if name.lower() in lowered:
        return lowered[name.lower()]
    from difflib import get_close_matches  # only for a message

    close = get_close_matches(name, names, n=1, cutoff=0.8)
    return close[0] if close else None
