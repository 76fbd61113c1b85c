"""The labelled cases of ``data/peft_cases.jsonl``, rendered as files for the reader to read.

A case names one of the small models of ``tools/oracle_models.py``; its ``config.json`` is put into
a folder beside the rendered file, so that the linter knows the model as it would in earnest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

DATA = Path(__file__).parent / "data"
CASES = DATA / "peft_cases.jsonl"
MODELS = DATA / "peft_models.json"

LOADERS = {
    "ForCausalLM": "AutoModelForCausalLM",
    "LMHeadModel": "AutoModelForCausalLM",
    "ForMaskedLM": "AutoModelForMaskedLM",
    "ForSequenceClassification": "AutoModelForSequenceClassification",
    "ForImageClassification": "AutoModelForImageClassification",
    "ForSpeechSeq2Seq": "AutoModelForSpeechSeq2Seq",
    "ForConditionalGeneration": "AutoModelForSeq2SeqLM",
}
"""How the class that a ``config.json`` names is loaded; for those that are not plain, below."""
ODD_LOADERS = {
    "WhisperForConditionalGeneration": "AutoModelForSpeechSeq2Seq",
    "Gemma3ForConditionalGeneration": "AutoModelForImageTextToText",
    "LlavaForConditionalGeneration": "AutoModelForImageTextToText",
}
QUANTIZED = {
    "nf4": 'load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16',
    "int8": "load_in_8bit=True",
}


class Case(NamedTuple):
    """A configuration and what real PEFT made of it."""

    id: str
    model_type: str
    kwargs: dict[str, Any]
    decidable: str
    label: str
    stage: str | None
    silent: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    model: Mapping[str, Any] = MappingProxyType({})
    message: str = ""

    @property
    def demands(self) -> str:
        """What a linter owes: ``error``, ``finding``, ``no error`` or ``anything``."""
        if self.label == "raise":
            return "error" if self.stage in ("config", "inject") else "anything"
        return "finding" if self.label == "warn" or self.silent else "no error"

    @property
    def folder(self) -> str:
        """The model's folder, beside the rendered file."""
        return self.model_type.replace(":", "-")


def cases(path: Path = CASES) -> Iterator[Case]:
    for line in path.read_text().splitlines():
        yield case_of(json.loads(line))


def case_of(row: dict[str, Any]) -> Case:
    oracle = row["oracle"]
    return Case(
        row.get("id", ""),
        row["model_type"],
        row["kwargs"],
        row.get("decidable", ""),
        row["label"],
        oracle["stage"],
        tuple(row["silent"]),
        tuple(each["message"] for each in oracle["warnings"]),
        row.get("model") or {},
        oracle["message"] or "",
    )


def write_models(folder: Path) -> None:
    """A folder with its ``config.json`` for each small model, and the versions of the answers."""
    (folder / "requirements.txt").write_text("peft==0.21.2\ntransformers==5.23.0\n")
    for name, fields in json.loads(MODELS.read_text()).items():
        own = folder / name.replace(":", "-")
        own.mkdir()
        (own / "config.json").write_text(json.dumps(fields))


def loader_of(case: Case) -> str:
    """The transformers class that a script would load the model with."""
    name: str = json.loads(MODELS.read_text())[case.model_type]["architectures"][0]
    ends = (loader for end, loader in LOADERS.items() if name.endswith(end))
    return ODD_LOADERS.get(name) or next(ends)


def as_python(case: Case) -> str:
    classes = sorted({"LoraConfig", "get_peft_model", *_classes(case.kwargs)})
    arguments = "".join(f"    {key}={_python(value)},\n" for key, value in case.kwargs.items())
    loader = loader_of(case)
    quantized = QUANTIZED.get(case.model.get("quant", ""))
    loading = f"    quantization_config=BitsAndBytesConfig({quantized}),\n" if quantized else ""
    dtype = case.model.get("dtype", "bfloat16" if quantized else "float32")
    return (
        "import torch\n"
        f"from peft import {', '.join(classes)}\n"
        f"from transformers import BitsAndBytesConfig, Trainer, {loader}\n\n"
        f"model = {loader}.from_pretrained(\n"
        f'    "./{case.folder}",\n'
        f"    dtype=torch.{dtype},\n{loading})\n"
        f"config = LoraConfig(\n{arguments})\n"
        "model = get_peft_model(model, config)\n"
        "trainer = Trainer(model=model, train_dataset=dataset)\n"
        "trainer.train()\n"
    )


def _classes(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "__cls__" in value:
            yield value["__cls__"]
        for item in value.values():
            yield from _classes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _classes(item)


def _python(value: object) -> str:
    if isinstance(value, dict) and "__tuple__" in value:
        return repr(tuple(value["__tuple__"]))
    if isinstance(value, dict) and "__cls__" in value:
        inner = ", ".join(f"{k}={v!r}" for k, v in value.items() if k != "__cls__")
        return f"{value['__cls__']}({inner})"
    if isinstance(value, list):
        return f"[{', '.join(map(_python, value))}]"
    return repr(value)


def as_yaml(case: Case) -> str:
    """The native YAML, whose ``lora`` section takes LoraConfig's own names."""
    lora = {key: _yaml(value) for key, value in case.kwargs.items()}
    model: dict[str, object] = {"pretrained_model_name_or_path": f"./{case.folder}"}
    quantization = case.model.get("quant")
    document = {"model": model, "lora": lora, "training": {"learning_rate": 0.0002}}
    if quantization:
        bits = "load_in_4bit" if quantization == "nf4" else "load_in_8bit"
        document["quantization"] = {bits: True}
    return yaml.safe_dump(document, sort_keys=False)


def _yaml(value: object) -> object:
    if isinstance(value, dict):
        if "__tuple__" in value:
            return list(value["__tuple__"])
        return {k: v for k, v in value.items() if k != "__cls__"}
    if isinstance(value, list):
        return [_yaml(item) for item in value]
    return value
