"""An axis of a sweep: a key of the configuration and the values that it takes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from lora_launch.config.document import SECTIONS
from lora_launch.errors import LaunchError
from lora_lint.read import yaml
from lora_lint.read.reading import Unreadable
from lora_lint.read.tree import plain

TARGETS, RANK, ALPHA = "lora.target_modules", "lora.r", "lora.lora_alpha"
RATE, DROPOUT, SEED = "training.learning_rate", "lora.lora_dropout", "run.seed"
OTHER_TOKENS = frozenset(
    {
        "max_length",
        "packing",
        "eval_packing",
        "completion_only_loss",
        "assistant_only_loss",
        "label_smoothing_factor",
        "loss_type",
        "chat_template_path",
        "dataset_text_field",
        "eos_token",
    }
)
"""Keys of ``training`` that decide which tokens the evaluation loss is a mean of, and how."""
GOLD = frozenset({"eval", "eval_split", "max_eval_samples", "columns", "name"})
"""Keys of ``data`` that decide on what is evaluated."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of an axis."""

    label: str
    """As a reader and the storage know it."""
    value: object
    per_rank: bool = False
    """It is a multiple of the rank: ``2r``."""

    def at(self, rank: int) -> object:
        """The value at a rank."""
        if not self.per_rank or not isinstance(self.value, int | float):
            return self.value
        found = self.value * rank
        return int(found) if found == int(found) else found


@dataclass(frozen=True, slots=True)
class Axis:
    """A dotted key and its choices."""

    key: str
    choices: tuple[Choice, ...]

    @property
    def name(self) -> str:
        """The key without its section."""
        return self.key.partition(".")[2]

    @property
    def record(self) -> dict[str, object]:
        """For the storage and the table in JSON."""
        return {"key": self.key, "values": [each.label for each in self.choices]}


def choice(value: object) -> Choice:
    """A plain value with the label that it gets by itself."""
    return Choice(label(value), value)


def label(value: object) -> str:
    """A value as a word of a table."""
    if isinstance(value, list):
        return "+".join(str(each) for each in value)
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False)


def parse(texts: Iterable[str]) -> list[Axis]:
    """The axes of ``--axis KEY=VALUE,VALUE``.

    Raises:
        LaunchError: for one that is not of that form, or whose trials could not be compared.
    """
    axes: dict[str, Axis] = {}
    for text in texts:
        axis = _parse(text)
        if axis.key in axes:
            raise LaunchError(f"--axis {text}: {axis.key} is an axis already; give all its values.")
        axes[axis.key] = axis
    return list(axes.values())


def _parse(text: str) -> Axis:
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or key.count(".") < 1 or not all(key.split(".")):
        raise LaunchError(f"--axis {text}: write --axis section.key=value,value, as lora.r=8,16.")
    _check(key)
    try:
        found = plain(yaml.documents(f"[{values}]")[0])
    except (Unreadable, ValueError):
        found = None
    if not isinstance(found, list) or not found:
        raise LaunchError(
            f"--axis {text}: write the values with commas between them, as lora.r=8,16 or"
            " 'lora.target_modules=all-linear,[q_proj,v_proj]'."
        )
    choices = tuple(_choice(key, value, text) for value in found)
    if len({each.label for each in choices}) < len(choices):
        raise LaunchError(f"--axis {text}: a value stands there twice.")
    return Axis(key, choices)


def _choice(key: str, value: object, text: str) -> Choice:
    """A value; for ``lora_alpha`` also ``r``, ``2r``, ``0.5r``."""
    if key != ALPHA or not isinstance(value, str):
        return choice(value)
    factor = value.removesuffix("r") or "1"
    try:
        return Choice(value, float(factor), per_rank=value.endswith("r"))
    except ValueError:
        raise LaunchError(
            f"--axis {text}: lora_alpha is a number, or a multiple of the rank like r or 2r."
        ) from None


def _check(key: str) -> None:
    section, _, name = key.partition(".")
    if section not in SECTIONS:
        raise LaunchError(f"--axis {key}: there is no section {section}; there are {_sections()}.")
    if section == "hardware" or key in ("run.output_dir", "run.name", "training.output_dir"):
        raise LaunchError(f"--axis {key}: the sweep itself decides this; take another key.")
    if (section == "data" and name in GOLD) or (section == "training" and name in OTHER_TOKENS):
        raise LaunchError(
            f"--axis {key}: it changes what the evaluation loss is measured on, so the trials could"
            " not be compared. Sweep it as separate runs, and compare with `lora-launch eval`."
        )


def _sections() -> str:
    return ", ".join(SECTIONS)
