"""Every row of ``effects.py`` about PEFT and torch is run on a tiny model with the library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lora_rules.engine.effects import (
    ADDS,
    FIRST,
    FREEZES,
    LOADS,
    MERGES,
    OWNER,
    REMOVES,
    REPLACES,
    Effect,
)
from lora_rules.libraries.effects import ROWS, effect_of
from lora_rules.libraries.peft.effects import ROWS as PEFT
from lora_rules.libraries.torch.effects import ROWS as TORCH

MODEL = "model"
SAVED = "saved"
"""Stand for the model, and for the folder of a trained adapter."""


def base() -> Any:
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4))


def config() -> Any:
    import peft

    return peft.LoraConfig(r=2, target_modules=["0"])


def wrapped() -> Any:
    import peft

    return peft.get_peft_model(base(), config())


def two() -> Any:
    model = wrapped()
    model.add_adapter("other", config())
    return model


def peft_function(name: str, *given: Any) -> Callable[[Any, Path], Any]:
    """A function of PEFT, given the model, the saved adapter, a configuration, or what it says."""

    def call(model: Any, saved: Path) -> Any:
        import peft

        function: Any = peft
        for part in name.split("."):
            function = getattr(function, part)
        return function(*(_filled(each, model, saved) for each in given))

    return call


def _filled(given: Any, model: Any, saved: Path) -> Any:
    if given is MODEL or given is SAVED:
        return model if given is MODEL else saved
    return given() if given in (config, other_state) else given


def method(name: str, *given: Any) -> Callable[[Any, Path], Any]:
    def call(model: Any, saved: Path) -> Any:
        return getattr(model, name)(*(_filled(each, model, saved) for each in given))

    return call


def state_of(model: Any) -> Any:
    import peft

    return peft.get_peft_model_state_dict(model)


def other_state() -> Any:
    return {name: part + 1 for name, part in state_of(wrapped()).items()}


RUNS: dict[str, tuple[Callable[[], Any], Callable[[Any, Path], Any]]] = {
    "*.get_peft_model": (base, peft_function("get_peft_model", MODEL, config)),
    "peft.PeftModel*.from_pretrained": (
        base,
        peft_function("PeftModel.from_pretrained", MODEL, SAVED),
    ),
    "peft.inject_adapter_in_model": (
        base,
        peft_function("inject_adapter_in_model", config, MODEL),
    ),
    "peft.prepare_model_for_kbit_training": (
        wrapped,
        peft_function("prepare_model_for_kbit_training", MODEL, False),
    ),
    "peft.set_peft_model_state_dict": (
        wrapped,
        peft_function("set_peft_model_state_dict", MODEL, other_state),
    ),
    ".merge_and_unload": (wrapped, method("merge_and_unload")),
    ".unload": (wrapped, method("unload")),
    ".delete_adapter": (two, method("delete_adapter", "other")),
    ".merge_adapter": (wrapped, method("merge_adapter")),
    ".set_adapter": (two, method("set_adapter", "other")),
    ".load_adapter": (wrapped, method("load_adapter", SAVED, "more")),
    ".add_adapter": (wrapped, method("add_adapter", "more", config)),
    ".apply": (wrapped, method("apply", lambda module: module.requires_grad_(True))),
    ".load_state_dict": (wrapped, lambda model, _: model.load_state_dict(zeros(model))),
}
"""Each row: a model to begin with, and the call."""
NOT_RUN = {
    "peft.AutoPeftModel*.from_pretrained": "test_script_truth.py runs it with a language model",
    "peft.prepare_model_for_int8_training": "gone from PEFT",
    ".inject_adapter": "of the tuner: what add_adapter calls",
    ".add_weighted_adapter": "only that it may free is said",
    ".set_requires_grad": "only that it may free is said",
    ".copy_": "of a tensor",
    ".cuda": "needs a GPU",
    "safetensors.torch.load_model": "as load_state_dict",
    "torch.compile": "gives back a view of the module, that is treated as the module",
    "torch.DataParallel": "gives back a view of the module, that is treated as the module",
    "torch.DistributedDataParallel": "needs processes",
}


def zeros(model: Any) -> Any:
    return {name: part * 0 for name, part in model.state_dict().items()}


def loras(model: Any) -> set[str]:
    return {name for name, _ in model.named_modules() if "lora_A." in name}


def tuned(model: Any) -> Any:
    """The module in which the adapters are, whichever wrapper is around it."""
    return getattr(getattr(model, "base_model", model), "model", model)


ROWS_RUN = [row for row in PEFT if row.callee not in NOT_RUN] + [
    row for row in TORCH if row.callee not in NOT_RUN
]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    wrapped().save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", ROWS_RUN, ids=lambda row: row.callee)
def test_a_call_does_what_its_row_says(row: Effect, saved: Path) -> None:
    peft = pytest.importorskip("peft")
    begin, call = RUNS.get(row.callee, (wrapped, method(row.callee[1:], *_given(row.callee))))
    model = begin()
    inside, names = tuned(model), loras(model)
    values = [part.detach().clone() for part in model.parameters()]
    out = call(model, saved)
    if row.gives in (OWNER, FIRST):
        assert out is model or tuned(out) is inside, "another object comes out"
    if row.wrapped is not None:
        assert isinstance(out, peft.PeftModel) is row.wrapped
    if ADDS in row.does or LOADS in row.does:
        added = loras(inside) if loras(inside) else loras(model)
        assert len(added) > len(names)
    if REMOVES in row.does:
        assert loras(model) < names
    if MERGES in row.does and REMOVES not in row.does:
        assert any(getattr(each, "merged", False) for each in model.modules())
    if FREEZES in row.does:
        assert not any(part.requires_grad for part in model.parameters())
    if REPLACES in row.does:
        import torch

        now = list(model.parameters())
        assert not all(torch.equal(a, b) for a, b in zip(values, now, strict=True))


def _given(callee: str) -> tuple[Any, ...]:
    import torch

    return {".to": ("cpu",), ".type": (torch.float32,), ".cuda": ()}.get(callee, ())


def test_every_row_of_peft_and_torch_is_run_or_says_why_not() -> None:
    known = set(RUNS) | set(NOT_RUN)
    rest = {row.callee for row in (*PEFT, *TORCH)} - known
    assert all(row.gives == OWNER for row in TORCH if row.callee in rest)
    assert not rest & {row.callee for row in PEFT}
    assert known <= {row.callee for row in (*PEFT, *TORCH)}


def test_no_callee_has_two_rows() -> None:
    names = [row.callee for row in ROWS]
    assert len(set(names)) == len(names)


def test_a_row_for_the_very_callee_comes_before_a_pattern() -> None:
    found = effect_of("unsloth.FastLanguageModel.get_peft_model")
    assert found is not None
    assert found.callee == "*.get_peft_model"
    assert effect_of("peft.LoraConfig") is None
