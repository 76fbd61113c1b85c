"""A builder of torchtune says which model a recipe is about."""

from __future__ import annotations

import pytest

from lora_rules.engine.value import Absent, Unknown
from lora_rules.facts.model.architecture import architecture
from lora_rules.facts.model.inventory import inventory
from lora_rules.frameworks.torchtune.builders import MODELS, built_by
from lora_rules.repository import NO_FILES


@pytest.mark.parametrize(
    ("component", "model"),
    [
        ("torchtune.models.llama2.lora_llama2_7b", "meta-llama/Llama-2-7b-hf"),
        ("torchtune.models.llama3_1.qlora_llama3_1_8b", "meta-llama/Llama-3.1-8B"),
        ("torchtune.models.qwen2_5.lora_qwen2_5_7b_instruct", "Qwen/Qwen2.5-7B"),
        ("torchtune.models.qwen3.qwen3_8b_base", "Qwen/Qwen3-8B"),
        ("torchtune.models.llama2.lora_llama2", None),
        ("mine.models.lora_llama2_7b", None),
    ],
)
def test_a_builder_names_a_model(component, model):
    assert built_by(component) == model


@pytest.mark.parametrize("model", sorted(MODELS.values()))
def test_every_model_that_is_built_is_known(model):
    try:
        found = architecture(model)
    except Unknown:
        assert inventory((), NO_FILES, model, Absent()).by_name
    else:
        assert inventory((), NO_FILES, model, Absent(), architecture=found).exact
