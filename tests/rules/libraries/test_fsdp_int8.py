"""FSDP 1 takes no weights of int8, which are those of ``load_in_8bit``; of 4 bits it does.

``LL012:torch/fsdp1-with-load-in-8bit`` says so, and torch is asked here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import distributed
from torch.distributed.fsdp import FullyShardedDataParallel


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def frozen(dtype: torch.dtype) -> torch.nn.Module:
    layer = torch.nn.Linear(4, 4, bias=False)
    layer.weight = torch.nn.Parameter(torch.zeros(4, 4, dtype=dtype), requires_grad=False)
    return layer


def wrapped(layer: torch.nn.Module) -> FullyShardedDataParallel:
    return FullyShardedDataParallel(layer, device_id=torch.device("cpu"), use_orig_params=True)


@pytest.mark.usefixtures("one_process")
def test_int8_is_refused_and_floating_point_is_not() -> None:
    with pytest.raises(ValueError, match="Cannot flatten integer dtype tensors"):
        wrapped(frozen(torch.int8))
    assert wrapped(frozen(torch.bfloat16)).training
