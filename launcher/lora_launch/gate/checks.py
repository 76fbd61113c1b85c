"""What can be known to fail before torch is imported, each told with what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from lora_launch.errors import REFUSED, LaunchError
from lora_launch.gate import examples
from lora_launch.plan.devices import Devices
from lora_launch.plan.plan import Plan, size

FLOATING = ("bfloat16", "float16", "float32")
WHOLE = ("uint8", "int8")
"""Storage dtypes of 4-bit weights that accelerate keeps out of FSDP2, whole on every device."""
TRAINED_HEAD = (
    "Under FSDP TRL gathers the output head in each forward pass, and does not add its gradients up"
    " over the devices: a trained head would get wrong ones. Take it out of lora.modules_to_save,"
    " or write hardware.strategy: ddp."
)
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?$")


def model(section: Mapping[str, Any], folder: str) -> str:
    """The base model's name as the workers are told it: an absolute folder, or a hub id.

    Raises:
        LaunchError: if it looks like a folder and is none, or is no model.
    """
    name = str(section["pretrained_model_name_or_path"])
    for place in (os.path.join(folder, name), name):
        if os.path.isdir(place):
            if not os.path.isfile(os.path.join(place, "config.json")):
                raise LaunchError(f"{place} holds no config.json, so it is no model's folder.")
            return os.path.abspath(place)
    if name.startswith((".", "/", "~")) or not _HUB_ID.match(name):
        raise LaunchError(f"model.pretrained_model_name_or_path: there is no folder {name}.")
    return name


def data(section: Mapping[str, Any], training: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The data section with its files found and looked at.

    Raises:
        LaunchError: if one is missing, empty or malformed.
    """
    found = dict(section)
    text_field = training.get("dataset_text_field") or "text"
    for part in ("train", "eval"):
        if part in section:
            found[part] = examples.resolve(examples.files(section[part]), folder)
            examples.look_at(found[part], section.get("columns", {}), text_field)
    return found


def sections(config: Mapping[str, Mapping[str, Any]], devices: Devices, strategy: str) -> None:
    """What contradicts itself across sections.

    Raises:
        LaunchError: with what to change.
    """
    training, run = config["training"], config["run"]
    if isinstance(config["model"].get("token"), str) or training.get("hub_token"):
        raise LaunchError(
            "A token does not belong in a configuration, which is kept with the run: take it out,"
            " and set HF_TOKEN in the environment."
        )
    if "eval" not in config["data"] and training.get("eval_strategy", "no") != "no":
        raise LaunchError("training.eval_strategy is set, and data.eval names nothing to evaluate.")
    if training.get("save_only_model"):
        raise LaunchError(
            "training.save_only_model leaves out what a run needs to go on after an interruption;"
            " take it out."
        )
    if run.get("early_stopping_patience") and not training.get("load_best_model_at_end"):
        raise LaunchError(
            "run.early_stopping_patience needs training.load_best_model_at_end: true, and"
            " eval_strategy and save_strategy with the same steps."
        )
    _precision(training, devices)
    if strategy == "fsdp":
        _sharded(config)


def _precision(training: Mapping[str, Any], devices: Devices) -> None:
    gpu = devices.gpu
    wants = training.get("bf16") or ("bf16" not in training and not training.get("fp16"))
    if gpu is not None and gpu.bf16 is False and wants:
        said = "training.bf16 is on" if training.get("bf16") else "TRL turns bf16 on"
        raise LaunchError(
            f"{gpu.name} does not compute in bfloat16, and {said}: set training.fp16: true and"
            " training.bf16: false.",
            REFUSED,
        )


def _sharded(config: Mapping[str, Mapping[str, Any]]) -> None:
    """What FSDP2 cannot divide, and what it would train wrongly."""
    for key in ("fsdp", "fsdp_config"):
        if config["training"].get(key):
            raise LaunchError(f"hardware.strategy: fsdp sets FSDP up; take training.{key} out.")
    if "lm_head" in (config["lora"].get("modules_to_save") or ()):
        raise LaunchError(TRAINED_HEAD, REFUSED)
    quantized = config["quantization"]
    if quantized.get("load_in_8bit"):
        raise LaunchError(
            "FSDP2 cannot divide bitsandbytes' 8-bit weights (torch makes no parameter of a part of"
            " Int8Params): load in 4 bit with quantization.bnb_4bit_quant_storage: bfloat16, or"
            " write hardware.strategy: ddp.",
            REFUSED,
        )
    storage = str(quantized.get("bnb_4bit_quant_storage", "uint8")).removeprefix("torch.")
    if quantized.get("load_in_4bit") and storage in WHOLE:
        given = str(config["model"].get("dtype"))
        dtype = given if given in FLOATING else "bfloat16"
        raise LaunchError(
            f"FSDP cannot divide 4-bit weights that are stored as {storage}: set"
            f" quantization.bnb_4bit_quant_storage: {dtype}, the dtype of the model.",
            REFUSED,
        )


def plan(found: Plan, allowed: frozenset[str]) -> None:
    """What the plan shows that cannot work.

    Raises:
        LaunchError: if memory or disk will not suffice.
    """
    peak, disk = found.peak, found.disk
    if peak is not None and peak.fits_not and not allowed & {"LL601", "LL602", "LL603"}:
        raise LaunchError(
            f"It needs {size(peak.low)} to {size(peak.high)} a device, and there are"
            f" {size(peak.usable)}. `lora-lint memory` says what would help; --allow LL602 starts"
            " it all the same.",
            REFUSED,
        )
    if disk is not None and disk.total > disk.free:
        raise LaunchError(
            f"The disk is too full: checkpoints take {size(disk.total)}, and {size(disk.free)} are"
            f" free in {found.folder}. Keep fewer (training.save_total_limit), or choose another"
            " run.output_dir.",
            REFUSED,
        )
