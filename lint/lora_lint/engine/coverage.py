"""What a run could not check: which rules did not run, and for which kind of reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lora_lint.engine.finding import FileReport
from lora_rules.engine._startup.typed import NamedTuple

KINDS = {
    "model": "the base model is unknown",
    "gpu": "no GPU is declared",
    "data": "the training data are unknown",
    "method": "how the run trains is unknown",
    "memory": "the memory of such a run is not modelled",
    "rest": "only the beginning of a file could be read",
    "failure": "of an error in lora-lint or a plugin",
    "worlds": "a file has more combinations of values than are looked at",
    "value": "values are not written in the files",
}
"""Why a rule did not run: the kind of reason, and what a report says of it."""
UNREAD = "unread"
"""The kind of what no rule could see: a cell that does not parse, what lies behind a limit."""
COMMAND = "command"
"""The kind of a command that is not read."""
_MODEL = (
    "model_name_or_path",
    "architecture",
    "inventory",
    "checkpoint_quantization",
    "checkpoint_dtype",
)
_DATA = (
    "train_rows",
    "train_dataset",
    "dataset_rows",
    "dataset_split",
    "local_rows",
    "long_rows",
    "repeated_rows",
    "answer_tokens",
    "training_steps",
)
_KIND_OF = {
    **dict.fromkeys(_MODEL, "model"),
    **dict.fromkeys(("gpu", "usable_gpu"), "gpu"),
    **dict.fromkeys(_DATA, "data"),
    **dict.fromkeys(("training_kind", "effective_batch"), "method"),
    **dict.fromkeys(("memory_forecast", "footprint"), "memory"),
}


def kind_of(about: str) -> str:
    """The kind of reason, where this setting or fact is missing."""
    return _KIND_OF.get(about, "value")


class Coverage(NamedTuple):
    """How many rules could not run, over all files."""

    rules: int = 0
    """That were to run."""
    not_run: int = 0
    """Those of them that could not, on one recipe or more."""
    kinds: tuple[tuple[str, int], ...] = ()
    """How many rules each kind of reason kept from running, the most frequent first."""
    unread: int = 0
    """Files of which a part was not looked at."""
    commands: tuple[str, ...] = ()
    """Commands that have to do with fine-tuning and are not read, each with its file."""

    @property
    def partial(self) -> bool:
        """Whether anything could not be checked."""
        return bool(self.not_run or self.unread or self.commands)

    @property
    def reason(self) -> str:
        """The reason that explains most of them."""
        most = self.kinds[0][0] if self.kinds else ""
        return KINDS.get(most, most)


def coverage(reports: Sequence[FileReport]) -> Coverage:
    """What could not be checked in these files."""
    rules = 0
    first: dict[str, str] = {}
    for report in reports:
        rules = max(rules, report.rules)
        for each in report.not_checked:
            if each.code and each.kind:
                first.setdefault(each.code, each.kind)
    kinds = Counter(first.values())
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    unread = sum(any(each.kind == UNREAD for each in report.not_checked) for report in reports)
    commands = tuple(
        f"{report.path}, {each.sentence}"
        for report in sorted(reports, key=lambda report: report.path)
        for each in report.not_checked
        if each.kind == COMMAND
    )
    return Coverage(rules, len(first), tuple(ordered), unread, commands)
