"""The table of architectures: published counts, bad input, and models that transformers builds."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from lora_rules.engine.value import Unknown
from lora_rules.facts.model import model_table
from lora_rules.facts.model.expressions import NoValueError, compile_formula, evaluate, holds
from lora_rules.facts.model.model_table import load, model_types
from lora_rules.facts.model.modules import modules

TOOLS = Path(__file__).parent.parent.parent.parent / "tools"
TABLE = Path(model_table.__file__).with_name("architectures.json")

LLAMA_3_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "tie_word_embeddings": False,
    "vocab_size": 128256,
}
QWEN_25_7B = {
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
    "vocab_size": 152064,
}
MISTRAL_7B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "vocab_size": 32000,
}
GEMMA_2_9B = {
    "head_dim": 256,
    "hidden_size": 3584,
    "intermediate_size": 14336,
    "num_attention_heads": 16,
    "num_hidden_layers": 42,
    "num_key_value_heads": 8,
    "vocab_size": 256000,
}
MIXTRAL_8X7B = MISTRAL_7B | {"num_local_experts": 8, "num_experts_per_tok": 2}
QWEN3_30B_A3B = {
    "decoder_sparse_step": 1,
    "head_dim": 128,
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "mlp_only_layers": [],
    "moe_intermediate_size": 768,
    "num_attention_heads": 32,
    "num_experts": 128,
    "num_hidden_layers": 48,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
    "vocab_size": 151936,
}
OPT_125M = {
    "ffn_dim": 3072,
    "hidden_size": 768,
    "max_position_embeddings": 2048,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "vocab_size": 50272,
    "word_embed_proj_dim": 768,
}
PUBLISHED = [
    ("llama", LLAMA_3_8B, 8_030_261_248),
    ("qwen2", QWEN_25_7B, 7_615_616_512),
    ("mistral", MISTRAL_7B, 7_241_732_096),
    ("gemma2", GEMMA_2_9B, 9_241_705_984),
    ("gpt2", {}, 124_439_808),
    ("opt", OPT_125M, 125_239_296),
    ("mixtral", MIXTRAL_8X7B, 46_702_792_704),
    ("qwen3_moe", QWEN3_30B_A3B, 30_532_122_624),
]


@pytest.mark.parametrize(("model_type", "config", "total"), PUBLISHED)
def test_published_parameter_counts(model_type, config, total):
    assert modules(model_type, config).parameters == total


def test_linear_layers_of_llama_3_8b():
    found = modules("llama", LLAMA_3_8B)
    shapes = {each.path: (each.inputs, each.outputs, each.bias) for each in found.linears}
    assert len(shapes) == 32 * 7 + 1
    assert shapes["model.layers.31.self_attn.q_proj"] == (4096, 4096, False)
    assert shapes["model.layers.0.self_attn.k_proj"] == (4096, 1024, False)
    assert shapes["model.layers.7.mlp.down_proj"] == (14336, 4096, False)
    assert shapes["lm_head"] == (4096, 128256, False)
    assert found.head is not None
    assert found.head.path == "lm_head"
    assert not found.tied
    assert found.embedding is not None
    assert found.embedding.path == "model.embed_tokens"
    assert (found.embedding.rows, found.embedding.width) == (128256, 4096)
    assert found.table.peft_targets == ["q_proj", "v_proj"]
    assert found.table.gradient_checkpointing


def test_a_tied_head_is_counted_once():
    tied = modules("llama", LLAMA_3_8B | {"tie_word_embeddings": True})
    assert tied.tied
    assert tied.parameters == 8_030_261_248 - 128256 * 4096


def test_fused_experts_are_parameters_and_no_modules():
    found = modules("mixtral", MIXTRAL_8X7B)
    assert {each.sizes for each in found.fused_experts} == {
        (8, 2 * 14336, 4096),
        (8, 4096, 14336),
    }
    assert not any("expert" in each.path for each in found.linears)
    assert found.table.fused_targets["w1"] == "gate_up_proj"


def test_gpt2_has_transposed_layers_and_aliases():
    found = modules("gpt2", {"hidden_size": 1024, "num_hidden_layers": 24, "n_head": 16})
    assert {each.class_name for each in found.linears if each.name == "c_attn"} == {"Conv1D"}
    assert found.parameters == 354_823_168


def test_only_the_dense_layers_of_a_mixture_have_a_plain_mlp():
    config = {"num_hidden_layers": 4, "first_k_dense_replace": 1}
    names = {
        each.path for each in modules("deepseek_v3", config).linears if each.name == "gate_proj"
    }
    assert "model.layers.0.mlp.gate_proj" in names
    assert "model.layers.1.mlp.gate_proj" not in names
    assert "model.layers.1.mlp.shared_experts.gate_proj" in names


def test_layer_types_follow_from_an_interval_unless_they_are_given():
    def attention(config):
        linears = modules("qwen3_next", {"num_hidden_layers": 8} | config).linears
        return sorted(int(each.path.split(".")[2]) for each in linears if each.name == "q_proj")

    assert attention({}) == [3, 7]
    assert attention({"full_attention_interval": 2}) == [1, 3, 5, 7]
    types = ["full_attention"] + ["linear_attention"] * 7
    assert attention({"layer_types": types}) == [0]


def test_a_composite_takes_any_text_model():
    config = {
        "text_config": {"model_type": "mistral", "num_hidden_layers": 3},
        "vision_config": {"model_type": "clip_vision_model", "num_hidden_layers": 2},
    }
    paths = {each.path for each in modules("llava", config).linears}
    assert "model.language_model.layers.2.self_attn.k_proj" in paths
    assert "lm_head" in paths
    assert any(path.startswith("model.vision_tower.") for path in paths)


def test_the_class_that_the_configuration_names_is_meant():
    named = modules("bert", {"architectures": ["BertForSequenceClassification"]})
    assert named.task.name == "sequence"
    assert {each.path: each.outputs for each in named.linears}["classifier"] == 2
    labels = {"id2label": {str(at): str(at) for at in range(5)}}
    assert modules("bert", labels, "sequence").linears[-1].outputs == 5
    assert modules("bert", {}).task.class_name == "BertForMaskedLM"


@pytest.mark.parametrize(
    ("model_type", "config", "said"),
    [
        ("no_such_type", {}, "not in the table"),
        ('llama":{"', {}, "not in the table"),
        ("", {}, "not in the table"),
        ("llama", {"hidden_size": 0}, "is 0"),
        ("llama", {"vocab_size": -5}, "is -5"),
        ("llama", {"hidden_size": "4096"}, "no whole number"),
        ("llama", {"hidden_size": 4096.0}, "hidden_size"),
        ("llama", {"hidden_size": None}, "hidden_size"),
        ("llama", {"num_attention_heads": True, "head_dim": True}, "no whole number"),
        ("llama", {"num_hidden_layers": 10**9}, "num_hidden_layers"),
        ("llama", {"num_hidden_layers": -1}, "num_hidden_layers"),
        ("llama", {"num_hidden_layers": [32]}, "num_hidden_layers"),
        ("llama", {"vocab_size": 10**30}, "vocab_size"),
        ("llama", {"num_attention_heads": 0, "head_dim": None}, "cannot be computed"),
        ("qwen3_next", {"layer_types": ["mamba"] * 48}, "'mamba', which is not known"),
        ("llava", {"text_config": {"model_type": "no_such_type"}}, "not in the table"),
        ("llava", {"text_config": "llama"}, "is not a configuration"),
        ("llava", {"text_config": {"model_type": ["llama"]}}, "not in the table"),
    ],
)
def test_what_describes_no_model_is_unknown(model_type, config, said):
    with pytest.raises(Unknown, match="(?s).*" + said.replace("[", r"\[")):
        modules(model_type, config)


def test_an_unknown_task_is_unknown():
    with pytest.raises(Unknown, match="no class"):
        modules("llama", {}, "poetry")


def test_every_formula_of_the_table_can_be_read():
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    for name in table:
        entry = load(name)
        for _, _, length, condition in entry.lists:
            compile_formula(length)
            compile_formula(condition or "True")
        for group in entry.groups:
            for row in group.linears:
                assert len(row) == 6
                for text in row[1:5]:
                    compile_formula(text.removeprefix("?"))
            compile_formula(group.condition or "True")
            compile_formula(group.others or "0")


NO_MODEL_BY_DEFAULT = {
    "dots1",
    "esm",
    "florence2",
    "hunyuan_v1_dense",
    "hunyuan_v1_moe",
    "hunyuan_vl",
    "hunyuan_vl_text",
    "ministral",
    "nemotron",
}
"""Types whose default configuration leaves a size out (``None``): nothing can be counted."""


def test_every_known_type_can_be_counted_with_its_defaults():
    types = set(model_types())
    assert len(types) > 300
    for name in sorted(types - NO_MODEL_BY_DEFAULT):
        assert modules(name, {}).parameters > 0, name
    for name in sorted(types & NO_MODEL_BY_DEFAULT):
        with pytest.raises(Unknown):
            modules(name, {})


def test_the_table_is_small():
    assert TABLE.stat().st_size < 1_000_000


def test_reading_it_imports_nothing_heavy():
    code = (
        "import sys; from lora_rules.facts.model.modules import modules; modules('gpt2', {});"
        "print([m for m in ('torch', 'transformers', 'pydantic', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "a.b()", "[x for x in y]", "lambda: 1", "a @ b", "f'{a}'", "1 +", "open"],
)
def test_a_formula_can_only_compute(text):
    with pytest.raises((ValueError, NoValueError)):
        evaluate(text, {"a": 1, "b": 2}.__getitem__)


def test_a_power_is_bounded():
    with pytest.raises(NoValueError):
        evaluate("a ** a", {"a": 10**6}.__getitem__)


def test_a_condition_about_nothing_is_false():
    names = {"a": None, "b": [1]}.__getitem__
    assert not holds("a > 3", names)
    assert not holds("b[7]", names)
    assert holds("not a > 3 and 1 in b", names)


REBUILT = [
    "llama", "qwen2", "qwen3_moe", "gemma2", "gemma3_text", "mistral", "mixtral", "gpt2", "opt",
    "phi3", "deepseek_v3", "qwen3_next", "jamba", "gpt_oss", "t5", "bart", "bert", "modernbert",
    "qwen2_vl", "llava", "falcon", "gpt_neox", "granitemoehybrid", "vit",
]  # fmt: skip


@pytest.fixture(scope="module")
def tools():
    """The builder's own modules; they need torch, transformers and peft."""
    sys.path.insert(0, str(TOOLS))
    import architectures_check
    import build_architectures

    return build_architectures, architectures_check


@pytest.mark.slow
@pytest.mark.parametrize("model_type", REBUILT)
def test_random_models_are_told_exactly(tools, model_type):
    """The same models each time; ``tools/check_architectures.py`` draws fresh ones."""
    builder, checker = tools
    kind = builder.prepare(builder.find_kind(model_type))
    builder.probe(kind)
    wrong, done = checker.check(kind, random.Random(20261122), 6)  # noqa: S311
    assert not [sentence for sentence, _ in wrong]
    assert done
