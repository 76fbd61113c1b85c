"""Parameter counts are exact, and what is not known is not guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_rules.engine import packaged
from lora_rules.engine.budgets import EXPONENT
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.footprint import footprint
from lora_rules.facts.model import modules, other_modules
from lora_rules.facts.model.architecture import architecture, from_config
from lora_rules.facts.model.expressions import NoValueError, evaluate
from repositories import beside

MODELS = json.loads(packaged.content("facts/model/models.json"))


@pytest.mark.parametrize("name", sorted(MODELS["configs"]))
def test_counts_are_exact(name: str) -> None:
    """The same counts as of transformers' own models: see ``tools/check_models.py``."""
    entry = MODELS["configs"][name]
    known = from_config(entry["values"], name, prequantized=False)
    assert known.parameters == entry["published"]


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("meta-llama/Llama-3.1-8B", 8_030_261_248),
        ("meta-llama/Llama-2-7b-hf", 6_738_415_616),
        ("mistralai/Mistral-7B-v0.1", 7_241_732_096),
        ("Qwen/Qwen2.5-7B", 7_615_616_512),
        ("Qwen/Qwen3-8B", 8_190_735_360),
        ("google/gemma-2-9b", 9_241_705_984),
        ("microsoft/phi-2", 2_779_683_840),
        ("tiiuae/falcon-7b", 6_921_720_704),
        ("gpt2", 124_439_808),
    ],
)
def test_published_counts(model: str, parameters: int) -> None:
    assert architecture(model).parameters == parameters
    assert architecture(model.upper()).parameters == parameters


def test_the_table_is_large_enough() -> None:
    assert len(MODELS["ids"]) > 500
    assert all(entry["config"] in MODELS["configs"] for entry in MODELS["ids"].values())


def test_repackagings() -> None:
    plain = architecture("unsloth/Meta-Llama-3.1-8B")
    small = architecture("unsloth/Meta-Llama-3.1-8B-bnb-4bit")
    assert not plain.prequantized
    assert small.prequantized
    assert plain.parameters == small.parameters == 8_030_261_248


@pytest.mark.parametrize(
    "model", ["my-org/Llama-3.1-8B", "llama-3.1-8b", "meta-llama", "unsloth/Phi-4", ""]
)
def test_a_name_is_not_guessed_from(model: str) -> None:
    with pytest.raises(Unknown):
        architecture(model)


def _folder(tmp_path: Path, config: object) -> str:
    (tmp_path / "config.json").write_text(
        config if isinstance(config, str) else json.dumps(config), encoding="utf-8"
    )
    return str(tmp_path)


TINY = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
}


def test_a_local_model(tmp_path: Path) -> None:
    """By hand: q 64x64, k and v 64x32, o 64x64, three of 64x128, two norms; twice; two tables."""
    layer = 64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 128 + 2 * 64
    known = architecture(_folder(tmp_path, TINY), beside())
    assert known.parameters == 2 * layer + 2 * 100 * 64 + 64
    assert [linear.name for linear in known.linears][:2] == ["q_proj", "k_proj"]
    tied = architecture(_folder(tmp_path, {**TINY, "tie_word_embeddings": True}), beside())
    assert tied.parameters == known.parameters - 100 * 64


def test_fields_that_are_absent_have_their_types_default(tmp_path: Path) -> None:
    """As transformers fills them in: 32,000 rows for a Llama."""
    silent = {key: value for key, value in TINY.items() if key != "vocab_size"}
    assert architecture(_folder(tmp_path, silent), beside()).embedding.rows == 32_000


def test_a_mixture_of_experts(tmp_path: Path) -> None:
    """The experts' fused weights are parameters that no linear layer holds."""
    mixture = {
        "model_type": "deepseek_v3",
        "hidden_size": 64,
        "moe_intermediate_size": 32,
        "num_hidden_layers": 3,
        "first_k_dense_replace": 1,
        "n_routed_experts": 4,
    }
    few = architecture(_folder(tmp_path, mixture), beside())
    many = architecture(_folder(tmp_path, {**mixture, "n_routed_experts": 6}), beside())
    assert many.parameters - few.parameters == 2 * 2 * (3 * 64 * 32 + 64)
    assert many.linear_parameters == few.linear_parameters


def test_a_local_model_is_looked_for_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    _folder(tmp_path / "base", TINY)
    repository = beside(str(tmp_path / "run.yaml"))
    assert architecture("./base", repository).model_type == "llama"
    with pytest.raises(Unknown):
        architecture("./base", beside())


def test_a_quantized_checkpoint(tmp_path: Path) -> None:
    four = {**TINY, "quantization_config": {"load_in_4bit": True}}
    assert architecture(_folder(tmp_path, four), beside()).prequantized


@pytest.mark.parametrize(
    "config",
    [
        "",
        '{"model_type": "llama", "hidden_si',
        "[1, 2]",
        "[" * 100_000,
        {"model_type": "no_such_type", "hidden_size": 64},
        {"model_type": ["llama"]},
        {"hidden_size": 64},
        {**TINY, "vocab_size": None},
        {**TINY, "hidden_size": "64"},
        {**TINY, "num_attention_heads": 0},
    ],
)
def test_what_cannot_be_counted(tmp_path: Path, config: object) -> None:
    with pytest.raises(Unknown):
        architecture(_folder(tmp_path, config), beside())


def test_a_model_of_too_many_layers_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modules, "MODULES", 10)
    with pytest.raises(Unknown, match="too many layers"):
        architecture(_folder(tmp_path, TINY), beside())


def test_a_model_of_more_layers_than_are_listed_has_no_inventory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = architecture(_folder(tmp_path, TINY), beside())
    monkeypatch.setattr(other_modules, "MODULE_INDICES", 1)
    with pytest.raises(Unknown, match="more than 1 layers or experts"):
        other_modules.other_modules(known.modules)


def test_a_power_that_is_too_large_has_no_value() -> None:
    assert evaluate("2**n", {"n": EXPONENT}.__getitem__) == 2**EXPONENT
    with pytest.raises(NoValueError, match="exponent out of range"):
        evaluate("2**n", {"n": EXPONENT + 1}.__getitem__)


def test_an_entry_of_a_packaged_table_is_found_by_its_own_name_alone() -> None:
    for section, entries in MODELS.items():
        for name, entry in entries.items():
            assert packaged.entry("facts/model/models.json", name, section) == entry
    signatures = "libraries/trl/signatures.json"
    assert set(packaged.names(signatures)) == set(json.loads(packaged.content(signatures)))
    for name in ("values", "ids", "configs", "", "llama-7b", 'gpt2":', "gp", "gpt2\n", "\ud800"):
        assert packaged.entry("facts/model/models.json", name, "ids") is None


@pytest.mark.parametrize(
    "file",
    [
        "facts/model/architectures",
        "facts/model/other_modules",
        "libraries/trl/signatures",
        "facts/model/models",
    ],
)
def test_a_packaged_table_has_an_entry_a_line(file: str) -> None:
    for line in packaged.content(f"{file}.json").decode().splitlines():
        if line not in ("{", "}", "},", '"configs":{', '"ids":{'):
            json.loads("{" + line.rstrip(",") + "}")


def test_a_checkpoint_quantized_in_another_way_has_its_modules_and_no_bytes(tmp_path: Path) -> None:
    stored = {**TINY, "quantization_config": {"quant_method": "gptq", "bits": 4}}
    found = architecture(_folder(tmp_path, stored), beside())
    assert (found.uncounted, found.prequantized) == ("gptq", False)
    with pytest.raises(Unknown, match="stored as gptq"):
        footprint(found)


@pytest.mark.parametrize(
    ("name", "first", "uncounted"),
    [
        ("Qwen/Qwen3-32B-AWQ", "Qwen/Qwen3-32B", "awq"),
        ("Qwen/Qwen1.5-14B-Chat-GPTQ-Int4", "Qwen/Qwen1.5-14B-Chat", "gptq"),
        ("Qwen/Qwen3-8B-FP8", "Qwen/Qwen3-8B", "fp8"),
        ("Qwen/Qwen3-8B-bnb-4bit", "Qwen/Qwen3-8B", ""),
    ],
)
def test_the_architecture_behind_a_quantized_name_is_known(
    name: str, first: str, uncounted: str
) -> None:
    found = architecture(name)
    assert found.linears == architecture(first).linears
    assert (found.uncounted, found.prequantized) == (uncounted, not uncounted)


@pytest.mark.parametrize("name", ["TheBloke/Qwen3-32B-AWQ", "Qwen/Qwen3-32B-4bit-of-mine"])
def test_a_name_of_another_owner_or_with_other_words_is_not_known(name: str) -> None:
    with pytest.raises(Unknown):
        architecture(name)
