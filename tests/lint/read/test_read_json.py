"""JSON: the standard library's values, with places; and that nothing a file holds can hurt."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint.read import json as json_reader
from lora_lint.read.reading import Reading, Unreadable
from lora_lint.read.tree import Mapping, plain
from lora_lint.sources.source import Source
from lora_rules.engine.budgets import JSON_KEYS
from lora_rules.recipe import Origin, Span

ADAPTER = """{
\t"base_model_name_or_path": "meta-llama/Llama-3.1-8B",
\t"peft_type": "LORA",
\t"r": 64, "lora_alpha": 16,
\t"target_modules": ["q_proj", "v_proj"],
\t"task_type": "CAUSAL_LM"
}
"""


def read(data: str | bytes, name: str = "adapter_config.json") -> Reading:
    data = data.encode() if isinstance(data, str) else data
    return json_reader.read(Source(f"out/{name}", "json", data), None)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_values_are_the_standard_library_s(value: object, indent: object, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)  # type: ignore[arg-type]
    assert plain(json_reader.document(text)) == json.loads(text)


@given(VALUES)
def test_every_place_holds_its_value(value: object) -> None:
    text = json.dumps({"k": value, "last": 1}, indent=1)
    node = json_reader.document(text)
    assert isinstance(node, Mapping)
    lines = text.split("\n")
    for entry in node.entries:
        span = entry.node.span
        piece = "\n".join(lines[span.line - 1 : span.end_line])
        cut = len(lines[span.end_line - 1]) - (span.end_column - 1)
        piece = piece[span.column - 1 : len(piece) - cut]
        assert json.loads(piece) == plain(entry.node)


def test_places_with_tabs_and_escapes() -> None:
    node = json_reader.document('{"é\\u00e9": "a\tb",\r\n\t"r": 8}')
    assert isinstance(node, Mapping)
    first, second = node.entries
    assert first.key == "éé"
    assert first.key_span == Span(1, 2, 1, 11)
    assert second.key_span == Span(2, 2, 2, 5)
    assert second.node.span == Span(2, 7, 2, 8)


def test_an_adapter_s_record() -> None:
    (recipe,) = read(ADAPTER).recipes
    assert recipe.result
    assert recipe.dialect == "peft-adapter-json"
    assert recipe.known("r") == 64
    assert recipe.known("target_modules") == ["q_proj", "v_proj"]
    assert recipe.settings["r"].span == Span(4, 7, 4, 9)
    assert recipe.settings["lora_dropout"].origin is Origin.DEFAULT
    assert recipe.blocks[0].known_keys >= {"r", "lora_alpha", "megatron_config"}
    assert not recipe.blocks[0].strict


def test_an_adapter_of_another_kind_is_no_lora() -> None:
    assert read(ADAPTER.replace('"LORA"', '"VERA"')).recipes == ()
    assert read(ADAPTER.replace('"LORA"', '"VERA"'), "vera.json").recipes == ()


def test_the_same_under_another_name_is_a_block() -> None:
    (recipe,) = read(ADAPTER, "lora.json").recipes
    assert (recipe.dialect, recipe.result) == ("generic", False)


def test_llamafactory_in_json() -> None:
    text = '{"model_name_or_path": "m", "stage": "sft", "do_train": true, "lora_rank": 16}'
    (recipe,) = read(text, "train.json").recipes
    assert recipe.dialect == "llamafactory"
    assert recipe.known("lora_alpha") == 32


def test_flat_training_json() -> None:
    text = json.dumps(
        {
            "model_name_or_path": "m",
            "per_device_train_batch_size": 1,
            "learning_rate": 2e-4,
            "lora_rank": 64,
            "lora_alpha": 16,
            "lora_dropout": 0.05,
            "train_mode": "qlora",
        }
    )
    (recipe,) = read(text, "sft.json").recipes
    assert recipe.dialect == "generic"
    assert (recipe.known("r"), recipe.known("lora_alpha")) == (64, 16)
    assert recipe.known("learning_rate") == 2e-4
    assert "bias" not in recipe.settings
    assert read(text.replace("qlora", "full"), "sft.json").recipes == ()


VOCABULARY = {"r": 81, "rank": 97, "alpha": 9, "lora_alpha": 5}
LOOKALIKES = [
    ("tokenizer.json", {"added_tokens": [], "model": {"vocab": VOCABULARY}}),
    ("vocab.json", VOCABULARY | {f"t{number}": number for number in range(900)}),
    ("config.json", {"architectures": ["D"], "q_lora_rank": 1536, "kv_lora_rank": 512, "r": 1}),
    ("config.json", {"num_hidden_layers": 2, "vision_lora": {"r": 256, "lora_alpha": 512}}),
    ("package.json", {"name": "lora", "devDependencies": {"r": "1", "alpha": "2"}}),
    ("generation.json", {"lora_name": "a", "max_lora_rank": 64, "alpha": 0.3}),
]


@pytest.mark.parametrize(("name", "content"), LOOKALIKES)
def test_what_only_looks_like_it(name: str, content: object) -> None:
    assert read(json.dumps(content), name).recipes == ()


def test_a_large_file_is_data() -> None:
    reading = read('{"lora": "' + "x" * 2_000_001 + '"}')
    assert not reading.recipes
    assert "data" in reading.data


def test_a_mapping_of_many_keys_is_data() -> None:
    keys = {f"k{number}": number for number in range(JSON_KEYS - 2)}
    settings = {"lora_r": 8, "lora_alpha": 16}
    assert read(json.dumps(settings | keys), "x.json").data == ""
    reading = read(json.dumps(settings | keys | {"one": 1}), "x.json")
    assert reading.data == f"its {JSON_KEYS + 1} keys are data, not a configuration"


def test_keys_written_twice() -> None:
    (recipe,) = read(ADAPTER.replace('"r": 64', '"r": 8, "r": 64')).recipes
    ((lost, kept),) = recipe.blocks[0].duplicates
    assert (lost.candidates, kept.candidates) == ((8,), (64,))
    assert recipe.known("r") == 64


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [
        ('{"a": 1,}', 9, "key in double quotes"),
        ('{"a" 1}', 6, "colon"),
        ('{"a": }', 7, "value"),
        ('{"a": 1 "b"}', 9, "comma"),
        ("[1, 2", 6, "ends early"),
        ('{"a": 1} {"b": 2}', 10, "follows"),
        ('{"a": "x', 7, "unterminated"),
        ("", 1, "ends early"),
        ('{"a": truth}', 7, "value"),
    ],
)
def test_unreadable(text: str, column: int, word: str) -> None:
    with pytest.raises(Unreadable, match=word) as caught:
        read(text)
    assert caught.value.span is not None
    assert (caught.value.span.line, caught.value.span.column) == (1, column)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_deep_nesting_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable, match="deeper"):
        read(text)


def test_a_gigantic_number_is_text() -> None:
    node = json_reader.document(json.dumps({"r": 1}).replace("1", "9" * 9_000))
    assert plain(node) == {"r": "9" * 9_000}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    assert read(ADAPTER.encode(encoding)).recipes[0].settings["r"].span == Span(4, 7, 4, 9)


@settings(max_examples=300)
@given(st.binary(max_size=300) | st.text(alphabet='{}[]":,0123rlora_\\utnfe.-+ \n').map(str.encode))
def test_bytes_never_raise(data: bytes) -> None:
    with suppress(Unreadable):
        read(data)
