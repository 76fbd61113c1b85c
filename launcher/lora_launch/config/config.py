"""The native configuration: sections whose keys are the libraries' own, as pydantic models.

The names of ``LoraConfig``, ``BitsAndBytesConfig`` and ``SFTConfig`` come from the packaged
signatures, so that everything these libraries take is accepted, and nothing else is. A value's type
is checked as the vocabulary declares it (:mod:`lora_rules.settings`), or else as far as the default
shows one; what the library itself checks is left to it and to the linter.
"""

from __future__ import annotations

import os
from collections.abc import Mapping as AnyMapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, create_model
from pydantic import ValidationError as PydanticError

from lora_launch.config.complaints import sentences
from lora_launch.config.document import Document, tree
from lora_launch.errors import LaunchError
from lora_launch.opaque import Opaque
from lora_lint.read.tree import plain
from lora_rules.libraries.signatures import defaults, fields
from lora_rules.settings import SETTINGS

CLASSES = {
    "quantization": "transformers.BitsAndBytesConfig",
    "lora": "peft.LoraConfig",
    "training": "trl.SFTConfig",
}
"""Whose keyword arguments a section holds."""
FRACTIONS = ("logging_steps", "eval_steps", "save_steps", "warmup_steps")
"""Whole numbers of steps, or a share of all of them."""
STRATEGIES = ("eval_strategy", "save_strategy", "logging_strategy")
TYPES: AnyMapping[str, Any] = {
    "int": StrictInt,
    "float": StrictInt | float,
    "bool": StrictBool,
    "str": StrictStr,
    "dict[str, object]": dict[str, Any],
    "list[str]": list[str],
    "list[int]": list[StrictInt],
    "list[list[int]]": list[list[StrictInt]],
    "object": object,
}
"""What a kind of the vocabulary is to pydantic."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Model(_Section):
    """The base model: keyword arguments of ``from_pretrained``."""

    pretrained_model_name_or_path: StrictStr = Field(description="a hub id or a local folder")
    dtype: StrictStr | None = Field(default=None, description="bfloat16, float16, float32 or auto")
    attn_implementation: StrictStr | None = None
    revision: StrictStr | None = None
    trust_remote_code: StrictBool | None = None
    device_map: StrictStr | dict[str, Any] | None = None
    max_memory: dict[str | int, Any] | None = None
    cache_dir: StrictStr | None = None
    force_download: StrictBool | None = None
    local_files_only: StrictBool | None = None
    token: StrictStr | StrictBool | None = None
    subfolder: StrictStr | None = None
    variant: StrictStr | None = None
    use_safetensors: StrictBool | None = None
    low_cpu_mem_usage: StrictBool | None = None
    experts_implementation: StrictStr | None = None
    rope_scaling: dict[str, Any] | None = None
    rope_parameters: dict[str, Any] | None = None
    use_kernels: StrictBool | None = None


class Data(_Section):
    """The examples: local JSONL, JSON, CSV or Parquet files, or a data set of the hub.

    Rows hold ``messages`` (chat), ``prompt`` and ``completion``, or ``text``, as TRL knows them.
    """

    train: StrictStr | list[StrictStr] = Field(description="files, or a data set of the hub")
    eval: StrictStr | list[StrictStr] | None = None
    name: StrictStr | None = Field(
        default=None, description="configuration of a data set of the hub"
    )
    split: StrictStr | None = Field(
        default=None, description="of the training data: train, train[:500]"
    )
    eval_split: StrictStr | None = None
    max_samples: Annotated[StrictInt, Field(ge=1)] | None = None
    max_eval_samples: Annotated[StrictInt, Field(ge=1)] | None = None
    columns: dict[str, str] | None = Field(
        default=None, description="column of the file to TRL's name"
    )


class Hardware(_Section):
    """What it runs on; what is not given is what is there."""

    gpu: StrictStr | None = Field(default=None, description="the GPU that the run is meant for")
    count: Annotated[StrictInt, Field(ge=1)] | None = Field(default=None, description="devices")
    nodes: Annotated[StrictInt, Field(ge=1)] = Field(
        default=1, description="machines, each with as many devices"
    )
    max_restarts: Annotated[StrictInt, Field(ge=0)] | None = Field(
        default=None,
        description="times that a run goes on by itself after a worker or a machine is lost;"
        " default: 3 with several machines, 0 with one",
    )
    strategy: Literal["auto", "ddp", "fsdp", "deepspeed"] = "auto"
    micro_batch: Literal["auto", "as written"] = Field(
        default="as written", description="auto: the largest that fits, at the same global batch"
    )


class Run(_Section):
    """Where it is kept."""

    name: StrictStr | None = None
    output_dir: StrictStr | None = Field(default=None, description="default: runs/<name>")
    seed: StrictInt | None = None
    early_stopping_patience: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None, description="evaluations without a better metric before it ends"
    )
    early_stopping_threshold: float | None = None
    samples: Annotated[StrictInt, Field(ge=0)] = Field(
        default=2, description="examples that are answered before and after, for the report"
    )


def _section(name: str, title: str, **own: Opaque) -> type[_Section]:
    """A section with the keyword arguments of a class of the libraries."""
    known = defaults(CLASSES[name])
    keys: dict[str, Any] = {
        key: (
            _kind(key, known.get(key)) | None,
            Field(default=None, description=_default(known, key)),
        )
        for key in sorted(fields(CLASSES[name]))
    }
    return create_model(name.capitalize(), __base__=_Section, __doc__=title, **{**keys, **own})


def _default(known: AnyMapping[str, object], key: str) -> str:
    return f"default: {known[key]!r}" if key in known else ""


def _kind(key: str, default: object) -> Opaque:
    if key in SETTINGS:
        kinds: list[Any] = [TYPES[kind] for kind in SETTINGS[key].kinds]
        return reduce(or_, kinds)
    if isinstance(default, bool):
        return StrictBool
    if isinstance(default, int):
        return StrictInt | float if key in FRACTIONS else StrictInt
    if isinstance(default, float):
        return StrictInt | float
    if isinstance(default, str):
        return StrictStr
    if isinstance(default, dict):
        return dict[str, Any]
    return object


Quantization = _section("quantization", "Keyword arguments of transformers.BitsAndBytesConfig.")
Lora = _section("lora", "Keyword arguments of peft.LoraConfig.")
Training = _section("training", "Keyword arguments of trl.SFTConfig.")


class Config(BaseModel):
    """A configuration of lora-launch."""

    model_config = ConfigDict(extra="forbid", title="lora-launch")

    model: Model
    quantization: Quantization | None = None  # type: ignore[valid-type]
    lora: Lora  # type: ignore[valid-type]
    data: Data
    training: Training = Field(default_factory=Training)  # type: ignore[valid-type]
    hardware: Hardware = Hardware()
    run: Run = Run()

    def given(self, section: str) -> dict[str, Any]:
        """What the file says in a section, without what it leaves to the library."""
        found = getattr(self, section)
        return found.model_dump(exclude_unset=True, exclude_none=True) if found is not None else {}

    @property
    def everything(self) -> dict[str, dict[str, Any]]:
        """Every section as given."""
        return {name: self.given(name) for name in type(self).model_fields}


def read(document: Document) -> Config:
    """The configuration that a document holds.

    Raises:
        LaunchError: with a line for everything that is wrong in it.
    """
    root = tree(document)
    try:
        values = plain(root)
    except ValueError as error:
        raise LaunchError(f"{document.path}: {error}.") from None
    try:
        config = Config.model_validate(_normal(values))
    except PydanticError as error:
        raise LaunchError("\n".join(sentences(error.errors(), document, root, Config))) from None
    _check(config, document)
    return config


def _normal(values: object) -> object:
    """``model: name`` is short for its one necessary key; an empty section says nothing.

    YAML 1.1 takes ``no`` for false; a strategy means the word.
    """
    if not isinstance(values, dict):
        return values
    training = values.get("training")
    if isinstance(training, dict):
        for key in STRATEGIES:
            if training.get(key) is False:
                training[key] = "no"
    model = values.get("model")
    if isinstance(model, str):
        values["model"] = {"pretrained_model_name_or_path": model}
    return {name: section for name, section in values.items() if section is not None}


def _check(config: Config, document: Document) -> None:
    """What no single key shows.

    Raises:
        LaunchError: for keys that contradict each other.
    """
    training, run = config.given("training"), config.given("run")
    for key in ("output_dir", "seed"):
        here, there = run.get(key), training.get(key)
        if here is not None and there is not None and here != there:
            raise LaunchError(
                f"{document.path}: run.{key} is {here!r} and training.{key} is {there!r}; keep one."
            )


def name_of(config: Config, document: Document) -> str:
    """The run's name: as given, else the file's."""
    return config.run.name or os.path.splitext(os.path.basename(document.path))[0]


def output_folder(config: Config, document: Document) -> str:
    """Where the run is kept: relative to the configuration if given, else ``runs/`` from here."""
    given = config.run.output_dir or config.given("training").get("output_dir")
    if given is None:
        return os.path.abspath(os.path.join("runs", name_of(config, document)))
    return os.path.normpath(os.path.join(document.folder, str(given)))


def schema() -> dict[str, Any]:
    """The JSON Schema of the native configuration."""
    return Config.model_json_schema()
