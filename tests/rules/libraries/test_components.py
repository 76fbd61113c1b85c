"""Which of torchtune's components are there, by version, and where they went."""

from __future__ import annotations

import pytest

from lora_rules.engine.version_range import ANY, exactly
from lora_rules.libraries import signatures
from lora_rules.libraries.components import component, nearest, now_at


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("torchtune.utils.FullModelHFCheckpointer", "torchtune.training.FullModelHFCheckpointer"),
        (
            "torchtune.utils.metric_logging.DiskLogger",
            "torchtune.training.metric_logging.DiskLogger",
        ),
    ],
)
def test_what_moved_is_found_at_its_new_place(old: str, new: str) -> None:
    known = component(old, ANY)
    assert known is not None
    assert (known.newest, known.removed) == (False, "0.3.0")
    assert now_at(old, ANY) == new
    earlier = component(old, exactly("0.2.0"))
    assert earlier is not None
    assert earlier.newest


def test_a_name_that_no_version_has_is_not_there() -> None:
    known = component("torchtune.models.llama3_1.lora_llama3_1_9b", ANY)
    assert known is not None
    assert not any((known.newest, known.some, known.removed))
    assert nearest("torchtune.models.llama3_1.lora_llama3_1_9b", ANY).endswith("lora_llama3_1_8b")


@pytest.mark.parametrize(
    "path", ["torchtune.models.llama3._model_builders.x", "torchtune.data.Message.from_dict"]
)
def test_nothing_is_said_of_private_modules_and_of_methods(path: str) -> None:
    assert component(path, ANY) is None


def test_partial_builders_take_what_their_function_takes() -> None:
    of_qlora = signatures.fields("torchtune.models.llama3_1.qlora_llama3_1_8b")
    assert of_qlora == signatures.fields("torchtune.models.llama3_1.lora_llama3_1_8b")
    assert "lora_rank" in of_qlora
    assert "max_seq_len" not in of_qlora


def test_a_development_version_counts_beside_the_last_release() -> None:
    only_there = component("torchtune.models.qwen3.lora_qwen3_8b_instruct", ANY)
    only_released = component("torchtune.modules.loss.CEWithChunkedOutputLoss", ANY)
    assert only_there is not None
    assert only_released is not None
    assert only_there.newest
    assert only_released.newest
    released = component("torchtune.models.qwen3.lora_qwen3_8b_instruct", exactly("0.6.1"))
    assert released is not None
    assert not released.newest
