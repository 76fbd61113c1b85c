"""Our names of modules, against those of a small model that transformers builds of each type."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from lora_rules.engine.value import Unknown
from lora_rules.facts.model.model_table import load, model_types
from lora_rules.facts.model.module_names import type_names

TOOLS = Path(__file__).parent.parent.parent.parent / "tools"
NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")
FIRST = ["llama", "qwen3_moe", "qwen2_5_vl", "gpt_oss", "whisper", "electra", "gemma4", "glm4"]
"""Those that the fast suite builds, each another kind of model."""
INSIDE = {"llava": "llama", "mistral3": "mistral", "internvl": "qwen2", "smolvlm": "llama"}
DIFFERENT = {
    "dory": "its head is a class of its own",
    "ibert": "its linear layers are classes of its own",
    "squeezebert": "its convolutions stand for linear layers",
    "switch_transformers": "its experts have their index in their name",
}
"""Types of which some names are missing, and why."""
OTHERS = sorted(set(model_types()) - set(FIRST) - set(DIFFERENT))


@pytest.fixture(scope="module")
def tools():
    """The builder's own modules; they need torch and transformers."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    sys.path.insert(0, str(TOOLS))
    import architectures_check
    import architectures_configs
    import build_architectures

    return build_architectures, architectures_configs, architectures_check


def compare(tools, model_type):
    builder, configs, checker = tools
    text = load(model_type).inner.get("text_config")
    inside = INSIDE.get(model_type) or (text.model_type if text is not None else "") or ""
    try:
        names = type_names(model_type, inside)
    except Unknown as reason:
        pytest.skip(str(reason))
    kind = builder.prepare(builder.find_kind(model_type))
    task = next(iter(kind.classes))
    model = configs.build(kind, task, {})[0]
    real = {NUMBER.sub("0", path) for path in checker.shapes(model)}
    ours = {NUMBER.sub("0", path) for path in (*names.linears, *names.embeddings)}
    assert real <= ours, sorted(real - ours)[:5]
    kinds = {NUMBER.sub("0", path) for path in names.others.all} | ours | names.fused
    everything = {NUMBER.sub("0", path) for path, _ in model.named_modules() if path}
    assert everything - kinds <= {path for path in everything if path.endswith("experts")}


@pytest.mark.parametrize("model_type", FIRST)
def test_names_are_those_of_transformers(tools, model_type):
    compare(tools, model_type)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", OTHERS)
def test_names_of_every_other_type(tools, model_type):
    compare(tools, model_type)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", sorted(DIFFERENT))
def test_the_exceptions_are_needed(tools, model_type):
    with pytest.raises(AssertionError):
        compare(tools, model_type)
