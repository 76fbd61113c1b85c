"""torchtune's own answers: ``tune validate``; runs in an environment with torchtune, without a GPU.

python torchtune_answers.py fields|groups       # see axolotl_answers.py
python torchtune_answers.py < configs           # keys are dotted: nested.py

The fields are the arguments of every component that the module of a component in
``recipes/torchtune`` has beside it; ``tune validate`` looks at names and not at values.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import yaml
from nested import unflattened

RECIPES = Path(__file__).parent / "recipes" / "torchtune"
NODES = {
    "checkpointer": "Checkpointer",
    "dataset": "_dataset",
    "loss": "Loss",
    "lr_scheduler": "_warmup",
    "metric_logger": "Logger",
    "model": "lora_",
    "optimizer": "",
    "profiler": "_profiler",
    "tokenizer": "_tokenizer",
}
"""The sections that name a component, and what stands in the names of all that they may name."""
OPTIMIZERS = ("torch.optim.AdamW", "torch.optim.SGD")


def answer(config: dict[str, object]) -> dict[str, object]:
    """Whether torchtune calls a configuration well-formed, with its words."""
    from omegaconf import OmegaConf
    from torchtune.config import validate

    try:
        made = OmegaConf.create(unflattened(config))
        validate(made)
        refused = ""
    except Exception as error:
        refused = f"{type(error).__name__}: {error}"
    lora = "lora_" in str(config.get("model._component_"))
    return {"refused": refused, "names": [], "warned": [], "lora": lora}


def siblings(section: str) -> Iterator[str]:
    """The components that a section may name: what stands beside those of our recipes."""
    for path in sorted(RECIPES.glob("*.yaml")):
        named = (yaml.safe_load(path.read_text()).get(section) or {}).get("_component_", "")
        module, _, _ = named.rpartition(".")
        if module.startswith("torchtune"):
            there = vars(import_module(module))
            public = (name for name in there if not name.startswith("_"))
            alike = (name for name in public if NODES[section] in name and callable(there[name]))
            yield from (f"{module}.{name}" for name in alike)


def _arguments(found: object) -> list[str]:
    """The names of what it takes; none where it takes anything."""
    parameters = inspect.signature(found).parameters.values()  # type: ignore[arg-type]
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return []
    return [each.name for each in parameters]


def fields() -> dict[str, list[str]]:
    """Each dotted key with what it may be; of a component the names that there are."""
    found: dict[str, list[str]] = {}
    for section in NODES:
        names = sorted(set(siblings(section))) or list(OPTIMIZERS)
        found[f"{section}._component_"] = [json.dumps(name) for name in names]
        for name in names:
            module, _, last = name.rpartition(".")
            part = getattr(import_module(module), last)
            for argument in _arguments(part):
                found[f"{section}.{argument}"] = ["any", "int"]
    return found


def main() -> None:
    """Answer."""
    with contextlib.redirect_stdout(io.StringIO()):
        import torchtune.config  # noqa: F401
    if sys.argv[1:] == ["fields"]:
        for key, kinds in fields().items():
            print(f"{key} {'|'.join(kinds)}")
    elif sys.argv[1:] == ["groups"]:
        for section in NODES:
            keys = [key for key in fields() if key.startswith(f"{section}.")]
            print(" ".join(key for key in keys if not key.endswith("_component_")))
    else:
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
