"""YAML: what every node means and where it stands; and that nothing a file holds can hurt."""

from __future__ import annotations

from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint.read import yaml as yaml_reader
from lora_lint.read.reading import Reading, Unreadable
from lora_lint.read.tree import Mapping, Opaque, Scalar, plain
from lora_lint.sources.source import Source
from lora_rules.recipe import Origin, Span

AXOLOTL = "base_model: m\nadapter: lora\nlora_r: 8\nlora_alpha: 16\nmicro_batch_size: 1\n"


def read(data: str | bytes, dialect: str | None = None) -> Reading:
    data = data.encode() if isinstance(data, str) else data
    return yaml_reader.read(Source("conf/run.yaml", "yaml", data), dialect)


def root(text: str) -> Mapping:
    node = yaml_reader.documents(text)[0]
    assert isinstance(node, Mapping)
    return node


def value(text: str) -> Scalar:
    entry = root(f"k: {text}").get("k")
    assert entry is not None
    assert isinstance(entry.node, Scalar)
    return entry.node


@pytest.mark.parametrize(
    ("text", "meant", "yaml_string"),
    [
        ("8", 8, False),
        ("1_000", 1000, False),
        ("-3", -3, False),
        ("017", 15, False),
        ("0o17", 15, True),
        ("0x1F", 31, False),
        ("2e-4", 2e-4, True),
        ("2.0e-4", 2e-4, False),
        ("1E5", 1e5, True),
        ("2.0e4", 2e4, True),
        (".5", 0.5, False),
        ("-.inf", float("-inf"), False),
        ("yes", True, False),
        ("OFF", False, False),
        ("~", None, False),
        ("", None, False),
        ("'8'", "8", False),
        ("!!str 8", "8", False),
        ("!!int '8'", 8, False),
        ("2024-01-01", "2024-01-01", False),
        ("1:30", "1:30", False),
        ("09", 9, True),
        ("0xb", 11, False),
        ("-0xb0", -176, False),
        ("0b11", 3, False),
        ('"-"', "-", False),
    ],
)
def test_scalars(text: str, meant: object, yaml_string: bool) -> None:
    found = value(text)
    assert found.value == meant
    assert type(found.value) is type(meant)
    assert found.yaml_string is yaml_string


@given(st.from_regex(r"[-+0-9._eExob]{1,12}", fullmatch=True))
def test_what_yaml_1_1_calls_a_number_is_that_number(text: str) -> None:
    try:
        expected = yaml.safe_load(f"k: {text}")["k"]
    except (yaml.YAMLError, ValueError, TypeError):
        return
    if isinstance(expected, int | float):
        found = value(text).value
        assert found == expected or found != found


def test_a_number_too_long_to_be_one_is_text() -> None:
    assert value("9" * 10_000).value == "9" * 10_000
    assert value("0x" + "f" * 10_000).value == "0x" + "f" * 10_000


@pytest.mark.parametrize(
    "text",
    [
        "é: ü  # ñ\nlora_r: 8\n",
        "é: ü  # ñ\r\nlora_r: 8\r\n",
        "é: 'a\u2028b'\nlora_r: 8\n",
        "é: a\x85lora_r: 8\n",
        "é: 😀\rlora_r: 8\r",
    ],
)
def test_places_are_lines_and_columns_in_characters(text: str) -> None:
    entry = root(text).get("lora_r")
    assert entry is not None
    line = 1 if "\x85" in text else 2
    start = text.index("lora_r") - (0 if line == 1 else text.index("lora_r"))
    assert entry.key_span == Span(line, start + 1, line, start + 7)
    assert entry.node.span == Span(line, start + 9, line, start + 10)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_encodings(encoding: str) -> None:
    recipe = read(AXOLOTL.encode(encoding)).recipes[0]
    assert recipe.settings["r"].span == Span(3, 9, 3, 10)


def test_a_block_ends_where_its_last_value_does() -> None:
    found = root("a:\n  b: |\n    text\n\n  # comment\n\nc: 1\n").get("a")
    assert found is not None
    assert found.node.span == Span(2, 3, 3, 9)


def test_keys_written_twice() -> None:
    found = root("r: 8\nx: 1\nr: 16\n")
    assert plain(found) == {"x": 1, "r": 16}
    ((lost, kept),) = found.duplicates
    assert (lost.key_span.line, kept.key_span.line) == (1, 3)


def test_merge_keys_yield_to_what_is_written() -> None:
    text = """
base: &b {r: 8, lora_alpha: 16}
other: &o {r: 4, bias: all}
lora:
  <<: [*b, *o]
  r: 2
"""
    lora = root(text).get("lora")
    assert lora is not None
    assert plain(lora.node) == {"r": 2, "lora_alpha": 16, "bias": "all"}


def test_an_alias_stands_where_it_is_used() -> None:
    found = root("a: &x 16\nb: *x\n").get("b")
    assert found is not None
    assert plain(found.node) == 16
    assert found.node.span == Span(2, 4, 2, 6)


def test_tags_run_nothing() -> None:
    text = "a: !!python/object/apply:os.system ['echo']\nb: !function f.g\nc: 1\n"
    found = root(text)
    b = found.get("b")
    assert b is not None
    assert isinstance(b.node, Opaque)
    assert found.get("c") is not None


def test_an_alias_bomb_is_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    found = root("\n".join(lines) + "\nlora_r: 8\n")
    assert found.get("lora_r") is not None
    last = found.get("a11")
    assert last is not None
    with pytest.raises(ValueError, match="stands for more than"):
        plain(last.node)
    read("\n".join([*lines, AXOLOTL]))  # 9 ** 12 items, if it were not bounded


def test_an_alias_to_itself_is_opaque() -> None:
    found = root("a: &a\n  b: *a\nc: &c [*c]\n")
    with pytest.raises(ValueError, match="refers to itself"):
        plain(found)


def test_an_unknown_merge_leaves_the_block_open() -> None:
    recipe = read(f"--- &x\n{AXOLOTL}<<: *x\n").recipes[0]
    assert not recipe.blocks[0].complete


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("a: 1\nb: 'x\n", 3, 1, "quoted scalar"),
        ("a:\n\t- 1\n", 2, 1, "cannot start any token"),
        ("a: *nobody\n", 1, 4, "nobody"),
        ("{{- if .x }}\na: 1\n{{ end }}\n", None, None, "not YAML"),
        ("a: [1, 2\nb: 3\n", 2, 2, "not YAML"),
        ("a: \x01\n", 1, 4, "#x0001"),
    ],
)
def test_unreadable(text: str, line: int | None, column: int | None, word: str) -> None:
    with pytest.raises(Unreadable, match=word) as caught:
        read(text)
    if line is not None:
        assert caught.value.span is not None
        assert (caught.value.span.line, caught.value.span.column) == (line, column)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 20_000 + "a", "{a: " * 5_000])
def test_deep_nesting_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


def test_every_document_is_read() -> None:
    recipes = read(f"---\n{AXOLOTL}---\njust: this\n---\n{AXOLOTL}").recipes
    assert [recipe.settings["r"].span.line for recipe in recipes if recipe.settings["r"].span] == [
        4,
        12,
    ]


def test_templates_are_unknown() -> None:
    text = AXOLOTL.replace("lora_r: 8", "lora_r: {{ rank }}").replace("16", "${ALPHA}")
    found = read(text).recipes[0].settings
    assert found["r"].candidates == ()
    assert "template" in found["r"].reason
    assert found["lora_alpha"].candidates == ()
    assert found["r"].origin is Origin.WRITTEN


def test_a_chat_template_is_no_template() -> None:
    text = (
        AXOLOTL + "chat_template_jinja: \"{% for m in messages %}{{ m['content'] }}{% endfor %}\"\n"
    )
    assert read(text).recipes[0].known("r") == 8


def test_what_is_no_mapping_holds_nothing() -> None:
    for text in ("", "# nothing\n", "- lora\n- r: 8\n", "lora\n"):
        assert read(text) == Reading()


def test_a_forced_dialect() -> None:
    assert read("lora_r: 8\n").recipes == ()
    recipe = read("lora_r: 8\nadapter: lora\n", "axolotl").recipes[0]
    assert (recipe.dialect, recipe.known("r")) == ("axolotl", 8)


def test_data_is_left_alone() -> None:
    reading = read(b"lora: 1\n" + b"# " * 1_000_001)
    assert not reading.recipes
    assert "configuration" in reading.data


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_bytes_never_raise(data: bytes) -> None:
    with suppress(Unreadable):
        read(data)


LINES = st.sampled_from(
    [
        *AXOLOTL.splitlines(),
        "  r: 8",
        "lora:",
        "- &a [*a]",
        "<<: *a",
        "x: &a {r: 8}",
        "? [r]",
        "lora_r: [8, [16]]",
        "datasets: [{path: x}, 3, *a]",
        "datasets: {path: {path: y}}",
        "adapter: [lora, qlora]",
        "model: {lora_r: ${a}, lora_alpha: '${lora_alpha}'}",
        "---",
        "{{ x }}: 1",
    ]
)
DIALECTS = st.sampled_from([None, "axolotl", "generic", "torchtune", "ms-swift", "lora-launch"])


@settings(max_examples=300)
@given(st.lists(LINES, max_size=10), DIALECTS)
def test_yaml_never_raises(lines: list[str], dialect: str | None) -> None:
    with suppress(Unreadable):
        read("\n".join(lines), dialect)
