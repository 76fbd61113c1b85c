"""The dtype of a checkpoint: by its configuration, its id, or how its owner's ids begin."""

from __future__ import annotations

import pytest

from lora_rules.engine.value import Unknown
from lora_rules.facts.model.checkpoint_dtype import checkpoint_dtype
from lora_rules.repository import ModelConfig, NoFiles


@pytest.mark.parametrize(
    ("model", "dtype"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "bfloat16"),
        ("Qwen/Qwen3-32B-AWQ", "bfloat16"),
        ("Qwen/Qwen3-VL-8B-Instruct", "bfloat16"),
        ("THUDM/glm-4-9b-chat", "bfloat16"),
        ("meta-llama/Llama-2-7b-hf", "float16"),
        ("meta-llama/Llama-3.1-8B", "bfloat16"),
        ("deepseek-ai/DeepSeek-R1", "float8"),
        ("openai/gpt-oss-20b", "mxfp4"),
        ("allenai/OLMo-2-1124-7B", "float32"),
    ],
)
def test_known_checkpoints(model, dtype):
    found = checkpoint_dtype(model)
    assert found.dtype == dtype
    assert len(found.source) > 20, "a source is named in full"


@pytest.mark.parametrize(
    "model", ["deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "google/gemma-2-9b", "someone/model", "x"]
)
def test_what_no_source_says_is_unknown(model):
    with pytest.raises(Unknown):
        checkpoint_dtype(model)


class Folder(NoFiles):
    def __init__(self, values):
        self.values = values

    def model_config(self, _model):
        return ModelConfig(self.values, "base/config.json")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ({"model_type": "llama", "torch_dtype": "float16"}, "float16"),
        ({"model_type": "llama", "dtype": "torch.bfloat16"}, "bfloat16"),
        ({"model_type": "qwen3_5", "text_config": {"dtype": "bfloat16"}}, "bfloat16"),
    ],
)
def test_a_local_configuration_says_it_itself(values, dtype):
    assert checkpoint_dtype("Qwen/Qwen3-8B", Folder(values)) == (dtype, "base/config.json")


def test_a_local_configuration_that_does_not_say_it():
    with pytest.raises(Unknown, match="does not say"):
        checkpoint_dtype("Qwen/Qwen3-8B", Folder({"model_type": "qwen3"}))
