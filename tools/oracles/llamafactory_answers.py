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
from collections.abc import Mapping
from dataclasses import fields
from functools import cache, partial
from pathlib import Path
from types import ModuleType

import assumed
import yaml
from apart import apart, refused_apart
from enumerated import listed

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
RICHER = BASE | {
    "val_size": 0.1,
    "eval_strategy": "steps",
    "predict_with_generate": True,
    "max_steps": 100,
    "dataloader_num_workers": 2,
    "mix_strategy": "interleave_under",
    "export_quantization_dataset": "c4.json",
}
"""What other keys ask for."""
STREAM = BASE | {"max_steps": 100}
"""What a stream asks for, which has no share to evaluate on."""
NEWER_TEMPLATES = ("hy_dense_1_8b", "hy_dense_7b", "moss_vl")
"""Those that its repository has (ff6d4d1) and its newest release has not."""


def answer(config: dict[str, object]) -> dict[str, object]:
    """Whether LLaMA-Factory accepts a configuration, with its words."""
    from llamafactory.hparams import get_train_args

    try:
        get_train_args(as_read(config))
        for key, (listed, words) in looked_up().items():
            if config.get(key, listed[0]) not in listed:
                raise ValueError(f"{words}: {key}={config[key]}")
        refused = ""
    except BaseException as error:  # whatever it raises is its answer
        refused = f"{type(error).__name__}: {error}"
    lora = config.get("finetuning_type", "lora") == "lora"
    return {"refused": refused, "names": [], "warned": [], "lora": lora}


def as_read(config: dict[str, object]) -> dict[str, typing.Any]:
    """The configuration as LLaMA-Factory's reader of YAML files takes it: ``1e-4`` is a number."""
    from omegaconf import OmegaConf

    read = OmegaConf.to_container(OmegaConf.create(yaml.safe_dump(config)))
    return typing.cast("dict[str, typing.Any]", read)


def assume_a_gpu() -> None:
    """A GPU that can do everything, and every optional package."""
    from llamafactory.hparams import parser

    made = parser.HfArgumentParser(parser._TRAIN_ARGS)
    parser.HfArgumentParser = lambda _owners: made  # takes longer to make than to ask
    parser.is_torch_bf16_gpu_available = lambda: True
    parser.check_version = lambda *_asked, **_how: None
    assumed.assume_a_gpu()


@cache
def looked_up() -> Mapping[str, tuple[tuple[object, ...], str]]:
    """Values that it looks up only when it runs, with what it says of others."""
    every = listed_values()
    return {
        "stage": (every["stage"], "Unknown task"),
        "finetuning_type": (every["finetuning_type"], "Unknown finetuning type"),
        "flash_attn": (every["flash_attn"], "Unknown attention type"),
        "template": ((None, *templates()), "Template does not exist"),
    }


@cache
def templates() -> tuple[str, ...]:
    """The names of its templates, which it looks up when it loads the tokenizer."""
    sys.modules["torchaudio"] = ModuleType("torchaudio")  # imported for audio models, and large
    try:
        from llamafactory.data.template import TEMPLATES
    finally:
        del sys.modules["torchaudio"]
    return (*TEMPLATES, *NEWER_TEMPLATES)


@cache
def listed_values() -> Mapping[str, tuple[object, ...]]:
    """Every key, with the values that its type lists."""
    from llamafactory.hparams import parser

    found: dict[str, tuple[object, ...]] = {}
    for owner in parser._TRAIN_ARGS:
        hints = typing.get_type_hints(owner)
        for field in fields(owner):
            if field.init:
                found[field.name] = tuple(listed(hints[field.name]))
    return found


def main() -> None:
    """Answer."""
    with contextlib.redirect_stdout(io.StringIO()):  # its log
        assume_a_gpu()
        looked_up()
    if sys.argv[1:] == ["fields"]:
        from probes import lines

        keys = {**listed_values(), "template": templates()}
        del keys["interleave_probs"]  # as many as there are data sets
        refused = partial(refused_apart, answer, (BASE, RICHER, STREAM))
        for line in lines(keys, refused):
            print(line, flush=True)
    elif sys.argv[1:] == ["groups"]:
        import llamafactory.hparams
        from validator_groups import conditions

        folder = Path(llamafactory.hparams.__path__[0])
        print("\n".join(" ".join(each) for each in conditions(folder)))
    else:
        for line in sys.stdin:
            print(json.dumps(apart(partial(answer, json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
