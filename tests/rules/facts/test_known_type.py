"""A model's type by its id, and the names that it gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_rules.engine.problem import Severity
from lora_rules.engine.value import Absent, Unknown
from lora_rules.facts.model import beginnings
from lora_rules.facts.model.architecture import architecture
from lora_rules.facts.model.inventory import inventory
from lora_rules.facts.model.known_type import known_type
from lora_rules.facts.model.module_names import type_names
from lora_rules.repository import NO_FILES

TABLE = json.loads((Path(beginnings.__file__).parent / "model_ids.json").read_text())


@pytest.mark.parametrize(
    ("model", "model_type"),
    [
        ("THUDM/chatglm3-6b", "chatglm"),
        ("THUDM/glm-4-9b-chat", "chatglm"),
        ("zai-org/GLM-4-32B-0414", "glm4"),
        ("Qwen/Qwen-14B-Chat-Int4", "qwen"),
        ("Qwen/Qwen2.5-VL-72B-Instruct-AWQ", "qwen2_5_vl"),
        ("Qwen/Qwen2.5-Coder-14B-Instruct-GPTQ-Int8", "qwen2"),
        ("Qwen/Qwen3.5-4B", "qwen3_5"),
        ("unsloth/Qwen3-VL-8B-Thinking-unsloth-bnb-4bit", "qwen3_vl"),
        ("unsloth/Phi-4", "llama"),
        ("google/gemma-4-31B-it", "gemma4"),
        ("deepseek-ai/DeepSeek-V3.2-Exp", "deepseek_v32"),
        ("trl-internal-testing/tiny-Qwen3MoeForCausalLM", "qwen3_moe"),
        ("hf-internal-testing/tiny-random-LlamaForCausalLM", "llama"),
    ],
)
def test_a_known_id(model, model_type):
    found = known_type(model)
    assert found.model_type == model_type
    assert found.source in TABLE["sources"].values()


@pytest.mark.parametrize(
    "model",
    [
        "Qwen/Qwen2.5-Omni-7B",
        "Qwen/Qwen2.5-Math-PRM-7B",
        "microsoft/Phi-4-mini-flash-reasoning",
        "unsloth/gpt-oss-20b-unsloth-bnb-4bit",
        "someone/Qwen2.5-7B-mine",
        "./models/Qwen2.5-7B",
        "models/meta-llama/Llama-2-7b-hf",
        "trl-internal-testing/tiny-model",
        "Qwen/",
        "",
    ],
)
def test_what_only_looks_like_one_is_unknown(model):
    with pytest.raises(Unknown):
        known_type(model)


def test_every_listed_type_has_names():
    entries = [*TABLE["ids"].values()]
    entries += [one for own in TABLE["owners"].values() for one in own.values()]
    kinds = {(each["type"], each.get("text", "")) for each in entries if each} - {("-", "")}
    without = set()
    for model_type, text in kinds:
        try:
            assert type_names(model_type, text).linears, model_type
        except Unknown:
            without.add(model_type)
    assert without == {"gemma3n", "diffusion_gemma"}, "nothing is known of these two types yet"


def test_every_entry_has_a_source_and_no_sized_model_is_listed_twice():
    models = json.loads((Path(beginnings.__file__).parent / "models.json").read_text())
    assert not TABLE["ids"].keys() & models["ids"].keys()
    entries = [*TABLE["ids"].values()]
    for section in ("owners", "dtypes"):
        entries += [one for own in TABLE[section].values() for one in own.values() if one]
    assert {each["from"] for each in entries} <= TABLE["sources"].keys()


def test_a_name_allows_a_warning_at_most():
    named = inventory((), NO_FILES, "THUDM/chatglm3-6b", Absent())
    assert named.by_name
    assert not named.exact
    assert named.worst(Severity.ERROR) is Severity.WARNING
    assert named.worst(Severity.INFO) is Severity.INFO
    assert named.kind == "chatglm model (which its name says)"
    assert {"query_key_value", "dense_h_to_4h"} <= named.names
    known = architecture("Qwen/Qwen2.5-7B")
    exact = inventory((), NO_FILES, "Qwen/Qwen2.5-7B", Absent(), architecture=known)
    assert exact.worst(Severity.ERROR) is Severity.ERROR


def test_names_of_a_mixture_have_dense_layers_and_experts():
    found = type_names("qwen3_moe")
    names = {path.rpartition(".")[2] for path in found.linears}
    assert {"q_proj", "gate_proj", "lm_head"} <= names
    assert found.fused


def test_a_type_of_several_language_models_needs_one():
    with pytest.raises(Unknown, match="which language model"):
        type_names("llava")
    assert "model.language_model.layers.0.self_attn.q_proj" in type_names("llava", "llama").linears
