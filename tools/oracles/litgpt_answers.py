"""LitGPT's own answers; runs in an environment with litgpt, without a GPU.

python litgpt_answers.py fields          # see axolotl_answers.py
python litgpt_answers.py < configs
"""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

from dotted import hint_of, keys_of, refused_with
from enumerated import listed
from jsonargparse import ArgumentParser
from probes import lines

BASE = {"checkpoint_dir": "checkpoints/base", "lora_r": 16}
WITHOUT_WARMUP = BASE | {"train": {"lr_warmup_steps": 0}}
"""What a share of warm-up asks for."""


@cache
def parser() -> ArgumentParser:
    """The parser that ``litgpt finetune_lora`` reads its file with."""
    from litgpt.finetune.lora import setup

    made = ArgumentParser(exit_on_error=False)
    made.add_function_arguments(setup)
    return made


def answer(config: dict[str, Any]) -> str:
    """Why LitGPT refuses a configuration when it reads it; empty where it does not."""
    try:
        parser().instantiate_classes(parser().parse_object(config))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main() -> None:
    """Answer."""
    if sys.argv[1:] == ["fields"]:
        from litgpt.finetune.lora import setup

        keys = [key for key in keys_of("litgpt.finetune_lora") if key not in ("data", "optimizer")]
        found = {key: listed(hint_of(setup, key)) for key in keys}
        for line in lines(found, refused_with(answer, BASE, WITHOUT_WARMUP)):
            print(line)
    else:
        for line in sys.stdin:
            print(json.dumps({"refused": answer(json.loads(line))}), flush=True)


if __name__ == "__main__":
    main()
