"""Rule LL015, name-not-in-library."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import VersionRange
from lora_rules.evidence import PEFT_SOURCE, TRANSFORMERS_SOURCE, TRL_SOURCE
from lora_rules.libraries import names
from lora_rules.libraries.successors import NAMES
from lora_rules.recipe import Import, Imports
from lora_rules.repository import Repository

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins


@rule(
    "LL015",
    Severity.ERROR,
    evidence=[
        TRL_SOURCE.says("Which names the package offers, in 43 releases from 0.4.2 to 1.16.0."),
        TRANSFORMERS_SOURCE.says("Which names it no longer offers, in 53 releases since 4.30.0."),
        PEFT_SOURCE.says("Which names the package offers, in 20 releases from 0.3.0 to 0.21.2."),
    ],
    of_records=True,
)
def name_not_in_library(
    framework: Behaviour, imports: Imports, pins: Pins, repository: Repository
) -> Iterator[Problem]:
    """A name is imported that TRL, PEFT or transformers does not have.

    ## What it checks
    Every `from trl import ...`, and the like of peft and transformers, whose name is not there in
    the versions that the repository or the file itself allows.

    - An error where none of the allowed versions has the name.
    - A warning where only the newest lacks it, or nothing is pinned.
    - Not checked: an import under a test or in a `try`, a revision held by its hash, a checkout of
      the library itself, and TRL without a pin beside Unsloth, which limits its version itself.

    ## Why it matters
    The script ends at the import. TRL has removed `DataCollatorForCompletionOnlyLM`,
    `ConstantLengthDataset` and `setup_chat_format`, and its trainers for ORPO and CPO are now
    found in `trl.experimental` only.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import DataCollatorForCompletionOnlyLM  # LL015: DataCollatorForCompletionOnlyLM

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig("out", num_train_epochs=1, completion_only_loss=True, max_length=2048)
    ```

    ## When to ignore it
    When an older version is installed: pin it, and the linter knows.

    ## Options
    None.
    """
    for imported in imports:
        library = imported.name.partition(".")[0]
        pin = pins[library]
        if library in framework.replaces and not pin.bounded:
            continue  # what brings its own classes for a library also limits its version
        known = None if pin.at_commit else names.presence(imported.name, pin)
        if known is not None and not known.newest and not _is_its_own(library, repository):
            yield _missing(imported, library, pin, known)


def _is_its_own(library: str, repository: Repository) -> bool:
    """Whether the file stands in a checkout of the library, which has names of its own."""
    above = ("", "../", "../../", "../../../", "../../../../")
    return any(
        repository.has_file(f"{up}{folder}{library}/__init__.py")
        for up in above
        for folder in ("", "src/")
    )


def _missing(imported: Import, library: str, pin: VersionRange, known: names.Presence) -> Problem:
    certain = pin.bounded and not known.some
    module, _, name = imported.name.rpartition(".")
    if pin.exact:
        where = f"{library} {pin}"
    else:
        where = f"{library}{pin}" if certain else f"the newest {library}"
    if known.removed:
        moment = f"it was removed by {library} {known.removed}"
    else:
        moment = f"it came with {library} {known.introduced}"
    of_module = f" in {module}" if module != library else ""
    return Problem(
        imported.span,
        f"{where} has no {name}{of_module}: {moment}. The import raises ImportError.",
        severity=Severity.ERROR if certain else Severity.WARNING,
        help=_help(imported.name, name, library, known),
    )


def _help(qualified: str, name: str, library: str, known: names.Presence) -> str:
    if not known.removed:
        return f"Install {library} {known.introduced} or newer."
    older = f"pin {library}<{known.removed}"
    if known.now:
        return f"Import it from {known.now}, or {older}."
    advice = NAMES.get(f"{library}.{name}") or NAMES.get(qualified)
    return f"{advice} Or {older}." if advice else f"Write it without {name}, or {older}."
