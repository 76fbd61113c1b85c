"""What PEFT does with alpha, rank and their patterns: the pages of LL101 to LL105 rest on it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")


def adapted(**arguments: Any) -> Any:
    """A layer of two projections with an adapter, in which A and B are not zero."""
    torch.manual_seed(0)
    base = torch.nn.ModuleDict({"up": torch.nn.Linear(8, 8), "down": torch.nn.Linear(8, 8)})
    base.forward = lambda x: base["down"](base["up"](x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PEFT says nothing of any of them
        config = peft.LoraConfig(target_modules=["up", "down"], **arguments)
        return peft.get_peft_model(base, config)


def scales(**arguments: Any) -> dict[str, float]:
    model = adapted(**arguments)
    return {name: model.base_model.model[name].scaling["default"] for name in ("up", "down")}


@pytest.mark.parametrize("start", [True, False])
def test_at_alpha_0_nothing_trains_whatever_the_matrices_hold(start: bool) -> None:
    model = adapted(r=4, lora_alpha=0, init_lora_weights=start)
    model(torch.randn(3, 8)).pow(2).sum().backward()
    trained = [each for each in model.parameters() if each.requires_grad]
    assert len(trained) == 4
    assert all(not each.grad.any() for each in trained)


def test_a_negative_alpha_turns_the_output_round() -> None:
    layer = {alpha: adapted(r=4, lora_alpha=alpha, init_lora_weights=False) for alpha in (8, -8)}
    x = torch.randn(3, 8)
    moved = {}
    for alpha, model in layer.items():
        up = model.base_model.model["up"]
        moved[alpha] = up(x) - up.base_layer(x)
    assert moved[8].abs().max() > 0.01
    assert torch.allclose(moved[8], -moved[-8], atol=1e-6)


def test_the_scale_is_alpha_by_rank_and_with_rslora_by_its_root() -> None:
    assert scales(r=64, lora_alpha=128) == {"up": 2, "down": 2}
    assert scales(r=64, lora_alpha=128, use_rslora=True) == {"up": 16, "down": 16}


def test_a_pattern_of_ranks_leaves_alpha_as_it_is_and_the_other_way_round() -> None:
    assert scales(r=16, lora_alpha=32, rank_pattern={"up": 64}) == {"up": 0.5, "down": 2}
    assert scales(r=16, lora_alpha=32, alpha_pattern={"up": 64}) == {"up": 4, "down": 2}
    rslora = scales(r=16, lora_alpha=32, rank_pattern={"up": 64}, use_rslora=True)
    assert rslora == {"up": 4, "down": 8}
