"""The lower bound is what its docstring says, and is not above what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from counting import trainable_parameters
from lora_rules.engine.injection import evaluate
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.rule import Rule
from lora_rules.engine.value import Unknown, value_of
from lora_rules.facts.memory.footprint import NF4_BYTES, NF4_DOUBLE_BYTES, Footprint, footprint
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.model.architecture import architecture
from lora_rules.frameworks import behaviour_of
from lora_rules.recipe import Origin, Recipe, Setting, Span

PEFT = behaviour_of("peft")
LLAMA2 = architecture("meta-llama/Llama-2-7b-hf")
LLAMA3 = architecture("meta-llama/Meta-Llama-3-8B")


def _recipe(dialect: str = "peft", **values: object) -> Recipe:
    settings = {
        name: Setting(name, (value,) if value != "?" else (), Origin.WRITTEN, name)
        for name, value in values.items()
    }
    return Recipe("a.py", "python", dialect, Span(1, 1, 1, 1), settings)


def _values(**values: object) -> dict[str, Any]:
    """Settings as a fact is given them."""
    return {name: value_of(each, name) for name, each in _recipe(**values).settings.items()}


def test_constants() -> None:
    assert NF4_BYTES * 8 == 4.5
    assert round(NF4_DOUBLE_BYTES * 8, 3) == 4.127


def test_the_published_sizes_of_quantized_models() -> None:
    """Llama-2-7B 13.48 -> 3.87 GB, Llama-3-8B 16.06 -> 5.70 GB (research, S0-13)."""
    assert round(footprint(LLAMA2, 0).total / 1e9, 2) == 13.48
    assert round(footprint(LLAMA2, 0).quantized_total / 1e9, 2) == 3.87
    assert round(footprint(LLAMA3, 0).total / 1e9, 2) == 16.06
    assert round(footprint(LLAMA3, 0).quantized_total / 1e9, 2) == 5.70
    plain = footprint(LLAMA3, 0, load_in_4bit=True, **_values(bnb_4bit_use_double_quant=False))
    assert round(plain.total / 1e9, 2) == 6.03


def test_below_what_was_measured() -> None:
    """Raschka 2023: Llama-2-7B, r=8 on q and v: 21.33 GB with LoRA, 14.18 GB with QLoRA."""
    trainable = trainable_parameters(LLAMA2, 8, ["q_proj", "v_proj"])
    values = _values(optim="adamw_torch")
    assert 13.4e9 < footprint(LLAMA2, trainable, **values).total < 21.33e9
    small = footprint(LLAMA2, trainable, load_in_4bit=True, **values)
    assert 3.8e9 < small.total < 14.18e9
    assert small.quantized


def test_parts_add_up() -> None:
    run = footprint(LLAMA3, 1_000_000, **_values(optim="adamw_torch"), framework=PEFT)
    assert (run.adapters, run.gradients, run.optimizer) == (4_000_000, 4_000_000, 8_000_000)
    assert run.total == 2 * LLAMA3.parameters + 16_000_000
    assert run.quantized_total == run.quantized_weights + 16_000_000
    assert not run.quantized


@pytest.mark.parametrize(
    ("optim", "each"),
    [("adamw_bnb_8bit", 2), ("adamw_8bit", 2), ("paged_adamw_8bit", 0), ("sgd", 0), ("?", 0)],
)
def test_optimizers(optim: str, each: int) -> None:
    assert footprint(LLAMA3, 1000, **_values(optim=optim), framework=PEFT).optimizer == each * 1000


def test_where_nothing_is_known_the_smaller_counts() -> None:
    run = footprint(LLAMA3, 1000)
    assert (run.adapters, run.gradients, run.optimizer) == (2000, 2000, 0)
    assert footprint(LLAMA3, 1000, framework=behaviour_of("torchtune")).adapters == 2000
    assert footprint(LLAMA3, 0, **_values(dtype="?")).weights == 2 * LLAMA3.parameters


def test_float32_is_counted_when_it_is_written() -> None:
    run = footprint(LLAMA3, 0, **_values(dtype="torch.float32"))
    assert run.weights == 4 * LLAMA3.parameters


def test_eight_bits() -> None:
    run = footprint(LLAMA2, 0, load_in_8bit=True)
    assert run.weights == 2 * LLAMA2.parameters - LLAMA2.linear_parameters
    assert run.quantized


def test_prequantized_checkpoints_are_quantized() -> None:
    run = footprint(architecture("unsloth/llama-3-8b-bnb-4bit"), 0)
    assert run.quantized
    assert run.total == run.quantized_total


def test_unsloth_may_move_the_embedding() -> None:
    moved = footprint(LLAMA3, 0, framework=behaviour_of("unsloth")).total
    assert moved == 2 * LLAMA3.parameters - 2 * LLAMA3.embedding_parameters


def test_an_embedding_that_is_also_the_head_is_not_moved() -> None:
    tied = architecture("Qwen/Qwen2.5-0.5B")
    assert tied.tied
    assert footprint(tied, 0, framework=behaviour_of("unsloth")).total == 2 * tied.parameters


@pytest.mark.parametrize("value", ["gptq", "?"])
def test_other_quantization_is_not_counted(value: str) -> None:
    with pytest.raises(Unknown):
        footprint(LLAMA3, 0, **_values(quant_method=value))


def test_a_rule_gets_it_by_name() -> None:
    """From settings alone, through the facts; an adapter that cannot be counted counts nothing."""

    def check(footprint: Footprint, usable_gpu: Gpu) -> Iterator[Problem]:
        yield Problem(None, f"{footprint.trainable} {footprint.total > usable_gpu.most}")

    rule = Rule("LL999", "check", Severity.ERROR, check)
    llama = _recipe(model_name_or_path="NousResearch/Meta-Llama-3-8B", r=64, gpu="T4")
    found = evaluate(rule, llama, {}).found
    assert [each.problem.message for each in found] == [f"{64 * 32 * (8192 + 5120)} True"]
    odd = _recipe(model_name_or_path="gpt2", r=8, target_modules=["x"], gpu="T4")
    found = evaluate(rule, odd, {}).found
    assert [each.problem.message for each in found] == ["0 False"]
    assert "model_name_or_path" in evaluate(rule, _recipe(r=8, gpu="T4"), {}).not_run


def test_experts_count_as_if_they_could_be_quantized() -> None:
    """transformers 4 and axolotl quantize them, so a lower bound may not leave them at 16 bit."""
    mixtral = architecture("mistralai/Mixtral-8x7B-v0.1")
    run = footprint(mixtral, 0, load_in_4bit=True)
    assert 22 * 2**30 < run.total < 24 * 2**30
    assert 43 * 2**30 < footprint(mixtral, 0, load_in_8bit=True).total < 46 * 2**30
    assert 86 * 2**30 < footprint(mixtral, 0).total < 88 * 2**30
