"""TOML: the standard library's values, with places; comments; and that broken files are named."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint.cli.main import main
from lora_lint.read import toml as toml_reader
from lora_lint.read.reading import Unreadable
from lora_lint.read.toml import document
from lora_lint.read.tree import plain
from lora_lint.sources.source import Source
from lora_rules.recipe import Span

TEXTS = [
    "",
    "a = 1",
    "# only\n",
    'a.b."c.d" = 1\na.x = 2\n',
    "[a]\nb = 1\n[a.c]\nd = '''x\n# no comment\n'''\n",
    "[[a]]\nx = 1\n[[a]]\nx = 2\n[a.y]\nz = [[1, 2], [\n # here\n 3 ]]\n",
    'q = "a # b" # c\nr = \'#\'\ns = """\\"\n""" # t\n',
    "t = { a = 1, b = { c = [1, 2] } }\nu = 1e-4\nv = true\nw = inf\n",
    " [ a . b ]\n c = 1\r\n",
    'x = \'\'\'a\'\'\'\'\ny = """b"""""\n',
]


@pytest.mark.parametrize("text", TEXTS)
def test_it_means_what_the_standard_library_says(text: str) -> None:
    assert plain(document(text)) == tomllib.loads(text)


NAMES = st.from_regex(r"[a-z]{1,4}", fullmatch=True)
VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="ascii"), max_size=6),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), max_size=3))
@settings(max_examples=50)
def test_any_tables(tables: dict) -> None:
    lines = []
    for name, table in tables.items():
        lines.append(f"[{name}] # {name}")
        lines += [f"{key} = {json.dumps(value)} # c" for key, value in table.items()]
    text = "\n".join(lines).replace("\x7f", "")
    assert plain(document(text)) == tomllib.loads(text)


def test_places() -> None:
    root = document("[lora] # x\nrank = 16 # y\nmodules = [\n  'a',\n]\n")
    lora = root.at("lora")
    rank, modules = root.at("lora.rank"), root.at("lora.modules")
    assert lora is not None
    assert rank is not None
    assert modules is not None
    assert lora.key_span == Span(1, 1, 1, 7)
    assert (rank.key_span, rank.node.span) == (Span(2, 1, 2, 5), Span(2, 8, 2, 10))
    assert modules.node.span == Span(3, 11, 5, 2)


@pytest.mark.parametrize(
    "text", ["a = ", "[a", "a = 1\na = 2\n", "a = [1\n", "= 1", "a = " + "[" * 5000]
)
def test_what_is_no_toml_is_named(text: str) -> None:
    with pytest.raises(Unreadable, match="this is not TOML"):
        document(text)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(Unreadable, match="UTF-8"):
        toml_reader.read(Source("x.toml", "toml", b"\xff\xfa"), None)


def test_a_large_file_is_data() -> None:
    assert toml_reader.read(Source("x.toml", "toml", b"#" * 2_000_001), None).data


RECIPE = "[lora]\nr = 16\nlora_alpha = 512{}\ntarget_modules = ['q_proj']\n"


def test_a_comment_ignores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.toml"
    path.write_text(RECIPE.format(""))
    assert main(["check", str(path)]) == 1
    path.write_text(RECIPE.format("  # lora-lint: ignore[LL102]"))
    assert main(["check", str(path)]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("name", ["pyproject.toml", "lora-lint.toml", "Cargo.toml"])
def test_settings_of_projects_hold_no_recipe(name: str) -> None:
    data = RECIPE.format("").encode()
    assert toml_reader.read(Source(name, "toml", data), None).recipes == ()
    assert len(toml_reader.read(Source("train.toml", "toml", data), None).recipes) == 1
