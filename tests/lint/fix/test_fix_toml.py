"""Edits in TOML files."""

from __future__ import annotations

import pytest

from fixing import edited
from lora_lint.fix.text import NotOffered
from lora_rules.engine.problem import Add, Remove, Rename, Set

TOML = """\
model = "a/b"

[lora]
r = 4 # rank
lora_alpha = 8
bias = 'all'

[training]
learning_rate = 1e-3
"""


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        (Set("r", 16), "r = 4", "r = 16"),
        (Set("bias", "none"), "'all'", '"none"'),
        (Set("learning_rate", 2e-4), "1e-3", "2e-4"),
        (Remove("bias"), "bias = 'all'\n", ""),
        (Add("lora_dropout", 0.1), "bias = 'all'\n", "bias = 'all'\nlora_dropout = 0.1\n"),
        (Rename("lora.lora_alpha", "lora.alpha"), "lora_alpha", "alpha"),
    ],
)
def test_an_edit(edit: object, old: str, new: str) -> None:
    assert edited(TOML, "train.toml", edit) == TOML.replace(old, new)  # type: ignore[arg-type]


def test_what_a_comment_speaks_of_stays() -> None:
    with pytest.raises(NotOffered):
        edited(TOML.replace("'all'", "'all' # why"), "train.toml", Remove("bias"))


def test_a_dotted_key_is_not_renamed() -> None:
    text = "lora.r = 4\nlora.lora_alpha = 8\n"
    with pytest.raises(NotOffered):
        edited(text, "train.toml", Rename("lora.lora_alpha", "lora.alpha"))
