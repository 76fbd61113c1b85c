"""ms-swift's own answers; runs in an environment with ms-swift, without a GPU and without a hub.

python ms_swift_answers.py fields|groups        # see axolotl_answers.py
python ms_swift_answers.py < configs
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import socket
import sys
import tempfile
import time
import typing
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import assumed
import yaml
from apart import apart, refused_apart
from enumerated import listed
from transformers.hf_argparser import string_to_bool

os.environ.setdefault("HF_HUB_OFFLINE", "1")

BASE = {"model": "model", "dataset": ["data.jsonl"], "tuner_type": "lora"}
RICHER = BASE | {
    "rlhf_type": "grpo",
    "split_dataset_ratio": 0.1,
    "eval_strategy": "steps",
    "dataloader_num_workers": 2,
    "attn_impl": "flash_attn",
    "quant_bits": 4,
    "quant_method": "bnb",
    "max_steps": 100,
    "rope_scaling": "linear",
}
"""What other keys ask for."""
TINY = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
    "max_position_embeddings": 32768,
    "torch_dtype": "bfloat16",
}
"""The model of every recipe, for its files are looked at."""


def answer(config: dict[str, object]) -> dict[str, object]:
    """Whether ms-swift accepts a configuration, with its words.

    A file without ``rlhf_type`` does not say whether it is for ``swift sft`` or ``swift rlhf``: it
    is refused if both refuse it, in the words of the first.
    """
    from swift.arguments import RLHFArguments, SftArguments

    owners = (RLHFArguments,) if "rlhf_type" in config else (SftArguments, RLHFArguments)
    answers = [refusal(config, owner) for owner in owners]
    lora = config.get("tuner_type", "lora") == "lora"
    refused = answers[0] if all(answers) else ""
    other = config.get("tuner_type", "lora") in looked_up()["tuner_type"] and not lora
    return {"refused": refused, "names": [], "warned": [], "lora": lora, "other": other}


def refusal(config: dict[str, object], owner: type) -> str:
    """What one of its programs says against a configuration; empty where it accepts it."""
    from swift.utils import parse_args

    local = config | {"template": "qwen2_5"}
    if config.get("model") is not None:
        local |= {"model": "model", "model_type": "qwen2"}
    try:
        args, remaining = parse_args(owner, as_argv(local))
        if remaining:
            raise ValueError(f"remaining_argv: {remaining}")
        for key, values in looked_up().items():
            if config.get(key, values[0]) not in values:
                raise ValueError(f"{key}: {config[key]!r} is not supported")
        if args.tuner_type not in looked_up()["tuner_type"]:
            raise ValueError(f"Unknown tuner_type: {args.tuner_type}")
    except BaseException as error:  # whatever it raises is its answer
        return f"{type(error).__name__}: {error}"
    return ""


def as_argv(config: dict[str, object]) -> list[str]:
    """The arguments that ``swift sft file.yaml`` makes of a file."""
    from swift.cli.main import parse_yaml_args

    argv = ["config.yaml"]
    Path(argv[0]).write_text(yaml.safe_dump(config))
    parse_yaml_args(argv)
    return argv


def refused(key: str, values: Sequence[object]) -> list[bool]:
    """Of each value of a key, whether it is refused: by its parser, or else by what follows.

    What follows is asked only about texts, for a number or a flag has its type by then.
    """
    action = {each.dest: each for each in parsers()["RLHFArguments"]._actions}[key]
    by_parser = [not parses(action, value) for value in values]
    if action.choices or action.type in (int, float, string_to_bool):
        return by_parser
    left = [value for value, no in zip(values, by_parser, strict=True) if not no]
    answers = iter(refused_apart(answer, (BASE, RICHER), key, left))
    return [no or next(answers) for no in by_parser]


def parses(action: argparse.Action, value: object) -> bool:
    """Whether an argument may have this value."""
    written = as_argv({action.dest: value})[1:]
    if len(written) != 1 and action.nargs not in ("+", "*"):
        return False
    try:
        parsers()["RLHFArguments"]._get_values(action, written)
    except argparse.ArgumentError:
        return False
    return True


@cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    """Those of its two kinds of arguments, which take longer to make than to ask."""
    from swift.arguments import RLHFArguments, SftArguments
    from swift.utils import utils

    with utils._patch_get_type_hints():
        owners = (SftArguments, RLHFArguments)
        return {owner.__name__: utils.HfArgumentParser([owner]) for owner in owners}


def in_a_folder_of_its_own() -> None:
    """With a tiny model in it, for files are read and written."""
    os.chdir(tempfile.mkdtemp())
    Path("model").mkdir()
    Path("model", "config.json").write_text(json.dumps(TINY))
    Path("data.jsonl").write_text("{}\n")


def assume_a_gpu() -> None:
    """A GPU that can do everything, and every optional package; an error of argparse is raised."""
    import transformers.utils.quantization_config as quantization
    from swift.arguments import sft_args
    from swift.arguments.base_args import base_args
    from swift.trainers import arguments as swift_arguments
    from swift.utils import utils

    def look_up(name: str, *_port: object, **_how: object) -> str:
        if not Path(name).exists():
            raise OSError(f"there is no hub: {name}")
        return name

    made = parsers()
    utils.HfArgumentParser = lambda owners: made[owners[0].__name__]
    assumed.raise_errors_of_argparse()
    assumed.assume_a_gpu()
    base_args.safe_snapshot_download = look_up
    socket.getaddrinfo = look_up  # type: ignore[assignment]
    time.sleep = lambda _seconds: None  # before another attempt
    sft_args.require_version = lambda *_asked: None
    swift_arguments.is_liger_available = lambda: True
    quantization.is_hqq_available = lambda: True


@cache
def looked_up() -> Mapping[str, tuple[object, ...]]:
    """Values that it looks up when it runs, by key."""
    from swift.model import MODEL_MAPPING
    from swift.template import TEMPLATE_MAPPING
    from swift.tuner_plugin import tuners_map

    builtin = ("lora", "full", "longlora", "adalora", "llamapro", "adapter", "vera", "boft")
    more = ("fourierft", "reft", "bone")
    return {
        "template": (None, *TEMPLATE_MAPPING),
        "model_type": (None, *MODEL_MAPPING),
        "tuner_type": (*builtin, *more, *tuners_map),
    }


def listed_values() -> dict[str, tuple[object, ...]]:
    """Every key, with the values that its type lists."""
    from swift.arguments import RLHFArguments

    hints = typing.get_type_hints(RLHFArguments)
    fields = RLHFArguments.__dataclass_fields__
    found = {name: tuple(listed(hints[name])) for name, field in fields.items() if field.init}
    return found | {key: tuple(filter(None, values)) for key, values in looked_up().items()}


def main() -> None:
    """Answer."""
    with contextlib.redirect_stdout(io.StringIO()):  # its log
        in_a_folder_of_its_own()
        assume_a_gpu()
        looked_up()
    if sys.argv[1:] == ["fields"]:
        from probes import lines

        for line in lines(listed_values(), refused):
            print(line, flush=True)
    elif sys.argv[1:] == ["groups"]:
        import swift.arguments
        from validator_groups import conditions

        folder = Path(swift.arguments.__path__[0])
        for path in (folder, folder / "base_args"):
            print("\n".join(" ".join(each) for each in conditions(path)))
    else:
        for line in sys.stdin:
            print(json.dumps(apart(partial(answer, json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
