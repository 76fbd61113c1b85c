"""LLaMA-Factory's own answers; runs in an environment with llamafactory, without a GPU.

python llamafactory_answers.py fields|groups        # see axolotl_answers.py
python llamafactory_answers.py < configs
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import typing
from dataclasses import fields
from enum import Enum
from functools import cache
from pathlib import Path
from types import ModuleType

os.environ.setdefault("DISABLE_VERSION_CHECK", "1")

BASE = {
    "model_name_or_path": "my-company/base",
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "dataset": "alpaca_en_demo",
    "template": "llama3",
    "output_dir": "out",
}


def answer(config: dict[str, object]) -> dict[str, object]:
    """Whether LLaMA-Factory accepts a configuration, with its words."""
    from llamafactory.hparams import get_train_args, parser

    parser.is_torch_bf16_gpu_available = lambda: True
    try:
        get_train_args(dict(config))
        template = config.get("template")
        if template is not None and template not in templates():
            raise ValueError(f"Template {template} does not exist.")
        refused = ""
    except BaseException as error:  # noqa: BLE001 - whatever it raises is its answer
        refused = f"{type(error).__name__}: {error}"
    return {"refused": refused, "names": [], "warned": []}


@cache
def templates() -> frozenset[str]:
    """The names of its templates, which it looks up when it loads the tokenizer."""
    sys.modules["torchaudio"] = ModuleType("torchaudio")  # imported for audio models, and large
    try:
        from llamafactory.data.template import TEMPLATES
    finally:
        del sys.modules["torchaudio"]
    return frozenset(TEMPLATES)


def accepts(key: str, value: object) -> bool:
    """Whether a sound configuration with this value is accepted."""
    return not answer(BASE | {key: value})["refused"]


def keys() -> dict[str, list[object]]:
    """Every key, with the values that its type lists."""
    from llamafactory.hparams import parser

    found: dict[str, list[object]] = {}
    for owner in parser._TRAIN_ARGS:
        hints = typing.get_type_hints(owner)
        for field in fields(owner):
            if field.init:
                found[field.name] = list(listed(hints[field.name]))
    return found | {"template": list(templates())}


def listed(hint: object) -> typing.Iterator[object]:
    """The values of the enumerations and literals in a type."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        yield from (each.value for each in hint)
    elif typing.get_origin(hint) is typing.Literal:
        yield from typing.get_args(hint)
    else:
        for each in typing.get_args(hint):
            yield from listed(each)


def main() -> None:
    """Answer."""
    if sys.argv[1:] == ["fields"]:
        from probes import lines

        with contextlib.redirect_stdout(io.StringIO()):
            found = list(lines(keys(), accepts))
        print("\n".join(found))
    elif sys.argv[1:] == ["groups"]:
        import llamafactory.hparams
        from validator_groups import conditions

        folder = Path(llamafactory.hparams.__path__[0])
        print("\n".join(" ".join(each) for each in conditions(folder)))
    else:
        for line in sys.stdin:
            with contextlib.redirect_stdout(io.StringIO()):
                found = answer(json.loads(line))
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
