"""How many GPUs share a run and what they divide, from the recipe's own settings.

=================================  ================================================================
``deepspeed``                      ZeRO's stage from the file it names (or a mapping), else from a
                                   name that says it, as ``zero3.json`` and ``ds_z2_config.json``
``fsdp``, ``fsdp_config``          full sharding; ``no_shard`` is DDP; ``shard_grad_op`` unknown
a ``device_map`` that spreads      a pipeline over the GPUs of one process
torchtune with several GPUs        FSDP (``recipes/lora_finetune_distributed.py``)
nothing of it, several GPUs        DDP: a process and a whole copy for each
=================================  ================================================================

How many there are is ``--gpu-count``, ``hardware.count``, or ``num_processes`` in the file. What
waits in the host's memory is unknown: the forecast was 39 % off on the one run measured.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from lora_rules.engine._startup.record import lazily
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.forecast import ONE_GPU
from lora_rules.facts.memory.sharding import Sharding
from lora_rules.facts.run.run_settings import is_off, keys, written
from lora_rules.recipe import Recipe

_STAGE = lazily(r"(?:zero|stage|z)[_-]?([0-3])(?![0-9])", re.IGNORECASE)
_OFFLOADS = lazily(r"(^|[._])(offload_params|fsdp_cpu_offload|cpu_offload)$")


def sharding_of(recipe: Recipe, framework: Behaviour, said: list[str]) -> Sharding:
    """How GPUs share the run; what was assumed goes to ``said``.

    Raises:
        Unknown: if their number or what they share is not told.
    """
    if any(_OFFLOADS.search(key.name) and key.candidates == (True,) for key in keys(recipe)):
        raise Unknown("weights that wait in the host's memory are not modelled")
    gpus = _gpus(recipe)
    for name, strategy in (("deepspeed", _zero), ("fsdp", _fsdp)):
        if recipe.may_be(name) and not is_off(recipe, name):
            found = strategy(recipe, said)
            if gpus is None:
                raise Unknown(
                    f"{recipe.settings[name].key} shares the run among GPUs, and nothing tells how"
                    " many there are; --gpu-count does"
                )
            return Sharding(found, gpus) if gpus > 1 else ONE_GPU
    return _without_sharding(recipe, framework, gpus, said)


def _gpus(recipe: Recipe) -> int | None:
    setting = recipe.settings.get("gpu_count")
    if setting is not None:
        if not setting.known or type(setting.value) is not int or setting.value < 1:
            raise Unknown(f"{setting.key} is no number of GPUs that is known")
        return setting.value
    for name in ("num_processes", "nproc_per_node"):
        value = written(recipe, name)
        if type(value) is int and value > 0:
            return value
    return None


def _without_sharding(
    recipe: Recipe, framework: Behaviour, gpus: int | None, said: list[str]
) -> Sharding:
    spread = recipe.may_be("device_map") and not is_off(recipe, "device_map")
    if spread and gpus is None:
        raise Unknown(
            f"{recipe.settings['device_map'].key} may spread the model over several devices;"
            " --gpu-count 1 says that there is one"
        )
    if gpus is None and recipe.kind == "shell":
        raise Unknown("what starts the run may start it on several GPUs; --gpu-count says how many")
    if gpus is None or gpus == 1:
        return ONE_GPU
    if spread:
        if recipe.known("device_map") not in ("auto", "balanced"):
            raise Unknown(f"how this device_map spreads the model over {gpus} GPUs is not modelled")
        said.append("device_map is assumed to give every GPU as many layers")
        return Sharding("pipeline", gpus)
    if framework.distributed_recipe:
        if written(recipe, "fsdp_reshard_after_forward") is False:
            raise Unknown("FSDP that keeps gathered weights is not modelled")
        said.append(f"FSDP over {gpus} GPUs is assumed, as {framework.distributed_recipe} has it")
        return Sharding("fsdp", gpus)
    said.append(f"a process on each of the {gpus} GPUs is assumed (DDP)")
    return Sharding("ddp", gpus)


def _fsdp(recipe: Recipe, _said: list[str]) -> str:
    """What FSDP divides, from transformers' words or accelerate's configuration.

    Raises:
        Unknown: if it is not full sharding.
    """
    text = _words(recipe, "fsdp")
    if re.search(r"\boffload\b|offload_params\W+true", text):
        raise Unknown("weights that wait in the host's memory are not modelled")
    if "no_shard" in text:
        return "ddp"
    if re.search(r"shard_grad_op|hybrid_shard|reshard_after_forward\W+(?:false|no_reshard)", text):
        raise Unknown("FSDP that divides less than everything is not modelled")
    if recipe.known("fsdp") is None:
        raise Unknown(f"{recipe.settings['fsdp'].key} is unknown")
    return "fsdp"


def _words(recipe: Recipe, name: str) -> str:
    """Everything written under a key of that name, in lower case, for a search."""
    found = [
        f"{key.name.rpartition('.')[2]} {key.candidates}"
        for key in keys(recipe)
        if key.name.split(".")[0].startswith(name)
    ]
    return f"{recipe.known(name)} {' '.join(found)}".lower().replace(",)", "")


def _zero(recipe: Recipe, said: list[str]) -> str:
    """The stage of ZeRO.

    Raises:
        Unknown: if it is not told, or something waits in the host's memory.
    """
    setting = recipe.settings["deepspeed"]
    value = recipe.known("deepspeed")
    document = value if isinstance(value, Mapping) else None
    if isinstance(value, str):
        document = recipe.repository.document(value)
        if document is None and (named := _STAGE.search(os.path.basename(value))):
            if "offload" in value.lower():
                raise Unknown("weights that wait in the host's memory are not modelled")
            said.append(f"{value} is assumed to be ZeRO-{named[1]}, as its name says")
            return _strategy(int(named[1]))
    if document is None:
        raise Unknown(f"which stage of ZeRO {setting.key} asks for is not told")
    zero = document.get("zero_optimization")
    stage = zero.get("stage") if isinstance(zero, Mapping) else 0
    if isinstance(zero, Mapping) and _offloads(zero):
        raise Unknown("weights that wait in the host's memory are not modelled")
    if type(stage) is not int or not 0 <= stage <= 3:
        raise Unknown(f"{setting.key} asks for no stage of ZeRO that is known")
    return _strategy(stage)


def _strategy(stage: int) -> str:
    return f"zero{stage}" if stage else "ddp"


def _offloads(zero: Mapping[str, object]) -> bool:
    parts = (zero.get(name) for name in ("offload_param", "offload_optimizer"))
    return any(isinstance(part, Mapping) and part.get("device") != "none" for part in parts)
