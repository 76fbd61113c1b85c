"""A trained adapter on its base model, for what comes after the training."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from lora_launch.errors import LaunchError
from lora_launch.opaque import Opaque
from lora_launch.run.folder import Folder, read_json

FOUR_BIT = (
    "{base} is a 4-bit checkpoint. Merging into it rounds the adapter away with the weights: name"
    " the 16-bit model it was made from with --base."
)


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter's folder, and how it was trained if that is known."""

    path: str
    base: str
    sections: dict[str, Any] = field(default_factory=dict)
    """The configuration of its run; empty if it is no run's."""

    @property
    def training(self) -> dict[str, Any]:
        """The run's ``training`` section."""
        return dict(self.sections.get("training", {}))


def find(path: str, base: str | None = None) -> Adapter:
    """The adapter in a run's folder, or in a folder of its own.

    Raises:
        LaunchError: if there is none.
    """
    folder = Folder(os.path.abspath(path))
    place = folder.adapter if os.path.isdir(folder.adapter) else folder.path
    described = read_json(os.path.join(place, "adapter_config.json"))
    if described is None:
        raise LaunchError(
            f"{path} holds no adapter_config.json; name a finished run's folder, or an adapter's."
        )
    name = base or described.get("base_model_name_or_path")
    if not name:
        raise LaunchError(f"{place} does not name the base it was trained on: name it with --base.")
    record = read_json(os.path.join(os.path.dirname(place), "run.json")) or {}
    return Adapter(place, str(name), record.get("configuration", {}).get("sections", {}))


def load_base(adapter: Adapter, dtype: str) -> Opaque:
    """The base model in 16 or 32 bit, on the GPU if there is one.

    Raises:
        LaunchError: if it cannot be had, or is quantized.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    quiet()
    try:
        described = AutoConfig.from_pretrained(adapter.base)
        if getattr(described, "quantization_config", None) is not None:
            raise LaunchError(FOUR_BIT.format(base=adapter.base))
        model = AutoModelForCausalLM.from_pretrained(adapter.base, dtype=dtype)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise LaunchError(f"The base {adapter.base} cannot be loaded: {first}") from None
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def load(adapter: Adapter, dtype: str) -> Opaque:
    """The adapter on its base."""
    from peft import PeftModel

    return PeftModel.from_pretrained(load_base(adapter, dtype), adapter.path)


def tokenizer(adapter: Adapter) -> Opaque:
    """The tokenizer that was saved with the adapter, else the base's."""
    from transformers import AutoTokenizer

    own = os.path.isfile(os.path.join(adapter.path, "tokenizer_config.json"))
    return AutoTokenizer.from_pretrained(adapter.path if own else adapter.base)


def quiet() -> None:
    """No bars and no advice on the terminal: these commands print their answer."""
    import logging
    import warnings

    import datasets
    import transformers

    warnings.simplefilter("ignore", FutureWarning)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
