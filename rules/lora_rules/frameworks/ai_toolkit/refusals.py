"""What AI Toolkit refuses."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, Written, where


def _accumulates_twice(keys: Written) -> bool:
    rows = keys.value("config.process")
    if not isinstance(rows, list):
        return False
    trains = [row.get("train") for row in rows if isinstance(row, dict)]
    return any(
        isinstance(train, dict)
        and isinstance(first := train.get("gradient_accumulation"), int)
        and isinstance(other := train.get("gradient_accumulation_steps"), int)
        and first > 1
        and other != 1
        for train in trains
    )


def _recovers_another_model(keys: Written) -> bool:
    """Whether an accuracy recovery adapter is that of another family, by its file's name."""
    rows = keys.value("config.process")
    if not isinstance(rows, list):
        return False
    models = [row.get("model") for row in rows if isinstance(row, dict)]
    return any(isinstance(model, dict) and _of_another(model) for model in models)


def _of_another(model: dict[str, object]) -> bool:
    arch, kind = model.get("arch"), model.get("qtype")
    if not isinstance(arch, str) or not isinstance(kind, str) or not model.get("quantize"):
        return False
    return ADAPTERS in kind and _family(kind.rpartition("/")[2]) != _family(arch)


def _family(name: str) -> str:
    """``wan`` of ``wan22_14b:t2v``: the letters that it begins with."""
    return name[: next((at for at, each in enumerate(name) if not each.isalpha()), None)].lower()


ADAPTERS = "/accuracy_recovery_adapters/"
"""Where its author publishes them, a file a model: ``qwen_image_torchao_uint3.safetensors``."""
ROWS = (
    Refusal(
        "recovery-adapter-of-another-model",
        "config.process",
        (where(_recovers_another_model, "config.process"),),
        "model.qtype with the accuracy recovery adapter of another family than model.arch: none of "
        "its modules is in the model, and no module gets an adapter",
        "Write the qtype alone, or the adapter that was made for this model.",
        raises="",
        why="The adapter makes up for what quantizing one model costs.",
    ),
    Refusal(
        "gradient-accumulation-twice",
        "config.process",
        (where(_accumulates_twice, "config.process"),),
        "train.gradient_accumulation and train.gradient_accumulation_steps exclude each other",
        "Write one of them.",
    ),
)

REFUSALS = (
    Refusals(
        "ai-toolkit",
        "AI Toolkit",
        ROWS,
        "https://github.com/ostris/ai-toolkit, toolkit/config_modules.py",
        "AI Toolkit raises it when it reads the configuration.",
    ),
)
