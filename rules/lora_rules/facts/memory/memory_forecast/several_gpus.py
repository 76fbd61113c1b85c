"""Fact ``device_sharding``: how many GPUs share a run and what they divide, from its own settings.

=================================  ================================================================
``deepspeed``                      ZeRO's stage from the file it names (or a mapping), else from a
                                   name that says it, as ``zero3.json`` and ``ds_z2_config.json``
``fsdp``, ``fsdp_config``          full sharding; ``no_shard`` is DDP; ``shard_grad_op`` unknown
a ``device_map`` that spreads      a pipeline over the GPUs of one process; ``auto`` and the like
                                   over the one declared card, unless the file shows more
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
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.value import Absent, Known, Partial, Unknown, Value, is_given, required
from lora_rules.engine.views import Outline
from lora_rules.facts.memory.forecast import ONE_GPU
from lora_rules.facts.memory.sharding import Sharding
from lora_rules.facts.run.written_keys import every_key, spreads_nothing, written
from lora_rules.recipe import Blocks
from lora_rules.repository import Repository

_STAGE = lazily(r"(?:zero|stage|z)[_-]?([0-3])(?![0-9])", re.IGNORECASE)
_OFFLOADS = lazily(r"(^|[._])(offload_params|fsdp_cpu_offload|cpu_offload)$")
_WAITS = "weights that wait in the host's memory are not modelled"


class DeviceSharding(NamedTuple):
    """How GPUs share the run, and what was assumed of it, in sentences."""

    sharding: Sharding
    said: tuple[str, ...] = ()


FILLS = ("auto", "balanced", "balanced_low_0", "sequential")
"""Values of ``device_map`` with which accelerate fills the GPUs it finds, then the host."""

_Strategy = tuple[str, tuple[str, ...]]
"""What is divided, and what was assumed of it."""


def device_sharding(
    blocks: Blocks,
    framework: Behaviour,
    outline: Outline,
    repository: Repository,
    gpu_count: Value,
    deepspeed: Value,
    fsdp: Value,
    device_map: Value,
    gpu: Value,
) -> DeviceSharding:
    """How GPUs share the run.

    Raises:
        Unknown: if their number or what they share is not known.
    """
    asked = written_strategy(blocks, repository, deepspeed, fsdp)
    gpus = _gpus(gpu_count, blocks)
    if asked is not None:
        key = _key(deepspeed, "deepspeed") if divides(deepspeed) else _key(fsdp, "fsdp")
        return _shared(asked, gpus, key)
    spread = divides(device_map)
    if spread and gpus is None:
        if is_given(gpu) and outline.kind != "shell" and _takes_what_is_there(device_map, blocks):
            said = f"one GPU is assumed for {_key(device_map, 'device_map')}"
            return DeviceSharding(ONE_GPU, (said,))
        raise Unknown(
            f"{_key(device_map, 'device_map')} may spread the model over several devices;"
            " --gpu-count 1 says that there is one"
        )
    if gpus is None and outline.kind == "shell":
        raise Unknown("what starts the run may start it on several GPUs; --gpu-count says how many")
    if gpus is None or gpus == 1:
        return DeviceSharding(ONE_GPU)
    return _pipeline(device_map, gpus) if spread else _processes(blocks, framework, gpus)


def written_strategy(
    blocks: Blocks, repository: Repository, deepspeed: Value, fsdp: Value
) -> _Strategy | None:
    """What DeepSpeed or FSDP divides, and what was assumed of it; ``None`` without either.

    Raises:
        Unknown: if it is not known, or something waits in the host's memory.
    """
    if any(_OFFLOADS.search(k.name) and k.candidates == (True,) for k in every_key(blocks)):
        raise Unknown(_WAITS)
    if divides(deepspeed):
        return _zero(deepspeed, repository)
    return (_fsdp(fsdp, blocks), ()) if divides(fsdp) else None


def _takes_what_is_there(device_map: Value, blocks: Blocks) -> bool:
    """Whether a ``device_map`` is one that fills the GPUs it finds, and no key limits them."""
    known = device_map.value if isinstance(device_map, Known) else None
    return known in FILLS and not any(
        key.name.rpartition(".")[2] == "max_memory" for key in every_key(blocks)
    )


def divides(value: Value) -> bool:
    """Whether a setting that shares a run among GPUs is given and on."""
    return is_given(value) and not spreads_nothing(value)


def _key(value: Value, name: str) -> str:
    """What the file calls a setting, where that is known."""
    return value.setting.key if isinstance(value, Known | Partial) else name


def _gpus(gpu_count: Value, blocks: Blocks) -> int | None:
    if not isinstance(gpu_count, Absent):
        count = required(gpu_count)
        if type(count) is not int or count < 1:
            key = _key(gpu_count, "gpu_count")
            raise Unknown(f"{key} is no number of GPUs that is known")
        return count
    for name in ("num_processes", "nproc_per_node"):
        value = written(blocks, name)
        if type(value) is int and value > 0:
            return value
    return None


def _shared(found: _Strategy, gpus: int | None, key: str) -> DeviceSharding:
    strategy, said = found
    if gpus is None:
        raise Unknown(
            f"{key} shares the run among GPUs, and nothing tells how many there are;"
            " --gpu-count does"
        )
    return DeviceSharding(Sharding(strategy, gpus) if gpus > 1 else ONE_GPU, said)


def _pipeline(device_map: Value, gpus: int) -> DeviceSharding:
    known = device_map.value if isinstance(device_map, Known) else None
    if known not in ("auto", "balanced"):
        raise Unknown(f"how this device_map spreads the model over {gpus} GPUs is not modelled")
    said = "device_map is assumed to give every GPU as many layers"
    return DeviceSharding(Sharding("pipeline", gpus), (said,))


def _processes(blocks: Blocks, framework: Behaviour, gpus: int) -> DeviceSharding:
    if not framework.distributed_recipe:
        said = f"a process on each of the {gpus} GPUs is assumed (DDP)"
        return DeviceSharding(Sharding("ddp", gpus), (said,))
    if written(blocks, "fsdp_reshard_after_forward") is False:
        raise Unknown("FSDP that keeps gathered weights is not modelled")
    said = f"FSDP over {gpus} GPUs is assumed, as {framework.distributed_recipe} has it"
    return DeviceSharding(Sharding("fsdp", gpus), (said,))


def _fsdp(fsdp: Value, blocks: Blocks) -> str:
    """What FSDP divides, from transformers' words or accelerate's configuration.

    Raises:
        Unknown: if it is not full sharding.
    """
    text = _words(fsdp, blocks)
    if re.search(r"\boffload\b|offload_params\W+true", text):
        raise Unknown(_WAITS)
    if "no_shard" in text:
        return "ddp"
    if re.search(r"shard_grad_op|hybrid_shard|reshard_after_forward\W+(?:false|no_reshard)", text):
        raise Unknown("FSDP that divides less than everything is not modelled")
    required(fsdp)
    return "fsdp"


def _words(fsdp: Value, blocks: Blocks) -> str:
    """Everything written under a key of FSDP's, in lower case, for a search."""
    found = [
        f"{key.name.rpartition('.')[2]} {key.candidates}"
        for key in every_key(blocks)
        if key.name.split(".")[0].startswith("fsdp")
    ]
    own = fsdp.value if isinstance(fsdp, Known) else None
    return f"{own} {' '.join(found)}".lower().replace(",)", "")


class Zero(NamedTuple):
    """What DeepSpeed is asked for."""

    stage: int
    offloads: bool
    """Something waits in the host's memory."""
    said: tuple[str, ...] = ()
    """What is assumed."""


def zero(deepspeed: Value, repository: Repository) -> Zero:
    """The stage of ZeRO, from the configuration or from a name that says it.

    Raises:
        Unknown: if it is not known.
    """
    value = deepspeed.value if isinstance(deepspeed, Known) else None
    document = value if isinstance(value, Mapping) else None
    if isinstance(value, str):
        document = repository.document(value)
        if document is None and (named := _STAGE.search(os.path.basename(value))):
            said = f"{value} is assumed to be ZeRO-{named[1]}, as its name says"
            return Zero(int(named[1]), "offload" in value.lower(), (said,))
    key = _key(deepspeed, "deepspeed")
    if document is None:
        raise Unknown(f"which stage of ZeRO {key} asks for is not told")
    section = document.get("zero_optimization")
    stage = section.get("stage") if isinstance(section, Mapping) else 0
    offloads = isinstance(section, Mapping) and _offloads(section)
    if not offloads and (type(stage) is not int or not 0 <= stage <= 3):
        raise Unknown(f"{key} asks for no stage of ZeRO that is known")
    return Zero(stage if type(stage) is int else 0, offloads)


def _zero(deepspeed: Value, repository: Repository) -> _Strategy:
    """What ZeRO divides.

    Raises:
        Unknown: if its stage is not known, or something waits in the host's memory.
    """
    found = zero(deepspeed, repository)
    if found.offloads:
        raise Unknown(_WAITS)
    return _strategy(found.stage), found.said


def _strategy(stage: int) -> str:
    return f"zero{stage}" if stage else "ddp"


def _offloads(zero: Mapping[str, object]) -> bool:
    parts = (zero.get(name) for name in ("offload_param", "offload_optimizer"))
    return any(isinstance(part, Mapping) and part.get("device") != "none" for part in parts)
