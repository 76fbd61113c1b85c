"""Ludwig's own answers; runs in an environment with ludwig, without a GPU.

python ludwig_answers.py fields          # see axolotl_answers.py
python ludwig_answers.py < configs
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from dotted import keys_of, refused_with
from probes import lines

BASE = {
    "model_type": "llm",
    "input_features": [{"name": "question", "type": "text"}],
    "output_features": [{"name": "answer", "type": "text"}],
    "adapter": {"type": "lora", "r": 16},
    "trainer": {"type": "finetune"},
    "backend": {"type": "local"},
}
SECTIONS = ("adapter", "generation", "model_parameters", "prompt", "quantization", "trainer")
"""Those whose values its schema says, and no feature decides."""
SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 32}


def assume_torchvision_and_torchaudio() -> None:
    """They are imported for images and sound, and their operators are built for a GPU."""
    kept = torch.library.register_fake

    def register(op: object, *rest: object, **more: object) -> object:
        if str(op).startswith("torchvision::"):
            return lambda found: found
        return kept(op, *rest, **more)

    torch.library.register_fake = register
    sys.modules["torchaudio"] = torch  # whose attributes it looks up when it reads sound


def answer(config: dict[str, Any]) -> str:
    """Why Ludwig refuses a configuration; empty where it does not."""
    from ludwig.schema.model_types.base import ModelConfig

    try:
        with contextlib.redirect_stderr(None), warnings.catch_warnings(action="ignore"):
            ModelConfig.from_dict(config)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def enumerations() -> dict[str, list[object]]:
    """Every key of the sections, with the values that the schema lists for it."""
    from ludwig.config_validation.validation import get_schema
    from ludwig.schema.llms.peft import LoraConfig
    from ludwig.schema.trainer import FineTuneTrainerConfig
    from ludwig.schema.utils import unload_jsonschema_from_config_class

    schema = dict(get_schema("llm")["properties"])
    for name, owner in (("adapter", LoraConfig), ("trainer", FineTuneTrainerConfig)):
        schema[name] = unload_jsonschema_from_config_class(owner)
    found = dict(_listed({name: schema[name] for name in SECTIONS}, ""))
    return {key: found[key] for key in keys_of("ludwig.train") if key in found}


def _listed(properties: dict[str, Any], prefix: str) -> Iterator[tuple[str, list[object]]]:
    for name, schema in properties.items():
        every = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
        yield prefix + name, [value for each in every for value in each.get("enum") or ()]
        for each in every:
            yield from _listed(each.get("properties") or {}, f"{prefix}{name}.")


def main() -> None:
    """Answer."""
    assume_torchvision_and_torchaudio()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(SMALL | {"model_type": "llama"}))
        base = BASE | {"base_model": folder}
        if answer(base):
            sys.exit(answer(base))
        if sys.argv[1:] == ["fields"]:
            for line in lines(enumerations(), refused_with(answer, base)):
                print(line)
        else:
            for line in sys.stdin:
                config = json.loads(line) | {"base_model": folder}
                print(json.dumps({"refused": answer(config)}), flush=True)


if __name__ == "__main__":
    main()
