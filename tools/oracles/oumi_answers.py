"""Oumi's own answers; runs in an environment with oumi, without a GPU.

python oumi_answers.py fields            # see axolotl_answers.py
python oumi_answers.py < configs
"""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

import yaml
from dotted import hint_of, keys_of, refused_with, with_value
from probes import lines

BASE = {
    "model": {"model_name": "my-company/base"},
    "data": {"train": {"datasets": [{"dataset_name": "mine"}]}},
    "training": {"trainer_type": "TRL_SFT", "use_peft": True},
    "peft": {"lora_r": 16},
}


def answer(config: dict[str, Any]) -> str:
    """Why Oumi refuses a configuration when it reads it; empty where it does not."""
    from oumi.core.configs import TrainingConfig

    try:
        TrainingConfig.from_str(yaml.safe_dump(config))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def listed() -> dict[str, list[object]]:
    """The keys, with the words that each enumeration takes: names or values of its members.

    Left out are lists of mappings, what takes a text beside another type, of which only some words
    are right (``auto`` for a number), and families of words (``pissa_niter_[number of iters]``).
    """
    from oumi.core.configs import TrainingConfig

    found: dict[str, list[object]] = {}
    for key in keys_of("oumi.train"):
        if key.endswith(".datasets"):
            continue
        hint = hint_of(TrainingConfig, key)
        words = list(_words(hint))
        mixed = str in typing.get_args(hint) and len(typing.get_args(hint)) > 1 and not words
        optional = set(typing.get_args(hint)) == {str, type(None)}
        if (not mixed or optional) and not any("[" in word for word in words):
            found[key] = [word for word in words if not misread(with_value(BASE, key, word))]
    return found


def misread(config: dict[str, Any]) -> str:
    """Why a value is none of its key, whatever the others say; empty where it is one."""
    said = answer(config)
    return said if said.startswith("OumiConfigParsingError") else ""


def _words(hint: object) -> Iterator[str]:
    if isinstance(hint, type) and issubclass(hint, Enum):
        yield from dict.fromkeys(str(w) for each in hint for w in (each.name, each.value))
    elif typing.get_origin(hint) is typing.Literal:
        yield from map(str, typing.get_args(hint))
    else:
        for each in typing.get_args(hint):
            yield from _words(each)


def main() -> None:
    """Answer."""
    if sys.argv[1:] == ["fields"]:
        for line in lines(listed(), refused_with(misread, BASE)):
            print(line)
    else:
        for line in sys.stdin:
            print(json.dumps({"refused": answer(json.loads(line))}), flush=True)


if __name__ == "__main__":
    main()
