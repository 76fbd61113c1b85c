"""Notebooks: cell by cell, with places that name the cell and the line in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.read.dispatch import cells
from lora_lint.read.notebook import read
from lora_lint.read.reading import Unreadable
from lora_lint.sources.source import Source

IMPORT = "from peft import LoraConfig\n"


def notebook(*sources: object, **more: object) -> bytes:
    made = [
        {"cell_type": "markdown" if str(s).startswith("#!md") else "code", "source": s}
        for s in sources
    ]
    return json.dumps({"cells": made, "nbformat": 4, **more}).encode()


def reading(*sources: object):
    return read(Source("a.ipynb", "notebook", notebook(*sources)))


def recipe_of(*sources: object):
    (recipe,) = reading(*sources).recipes
    return recipe


def test_names_flow_from_cell_to_cell():
    recipe = recipe_of("#!md title", IMPORT + "rank = 8", "LoraConfig(\n  r=rank)")
    setting = recipe.settings["r"]
    assert setting.value == 8
    assert (recipe.span.cell, recipe.span.line) == (3, 1)
    assert (setting.span.cell, setting.span.line, setting.span.column) == (3, 2, 5)
    assert (setting.declared.cell, setting.declared.line) == (2, 2)


def test_the_nearest_cell_above_counts():
    recipe = recipe_of(IMPORT + "r = 8", "r = 16", "LoraConfig(r=r)", "r = 32")
    assert recipe.settings["r"].candidates == (16,)


def test_source_as_a_list_of_lines():
    assert recipe_of([IMPORT, "LoraConfig(r=4)"]).settings["r"].value == 4


def test_worksheets_of_version_3():
    cell = {"cell_type": "code", "input": IMPORT + "LoraConfig(r=4)"}
    data = json.dumps({"worksheets": [{"cells": [cell]}], "nbformat": 3}).encode()
    (recipe,) = read(Source("a.ipynb", "notebook", data)).recipes
    assert recipe.settings["r"].value == 4


@pytest.mark.parametrize(
    "magics",
    [
        "%pip install peft\n",
        "!pip install peft\n",
        "!pip install \\\n  peft\n",
        "%%time\n",
        "%%capture out\n",
        "files = !ls\n",
        "LoraConfig?\n",
        "?LoraConfig\n",
        "if True:\n    !ls\n",
        "%matplotlib inline\n",
    ],
)
def test_magics_are_blanked_and_lines_stay(magics: str):
    recipe = recipe_of(IMPORT, magics + "LoraConfig(r=4)")
    assert recipe.settings["r"].value == 4
    assert recipe.span.line == magics.count("\n") + 1


def test_a_percent_line_inside_an_expression_is_no_magic():
    assert recipe_of(IMPORT + "x = (7\n  % 4)\nLoraConfig(r=x)").settings["r"].value == 3


@pytest.mark.parametrize("magic", ["%%writefile x.py", "%%html", "%%javascript"])
def test_other_cells_are_skipped(magic: str):
    assert reading(f"{magic}\n{IMPORT}LoraConfig(r=4)").recipes == ()


def test_a_bad_cell_is_noted_and_loses_nothing_else():
    found = reading(IMPORT, "this is (not python", "LoraConfig(r=4)")
    assert found.recipes[0].settings["r"].value == 4
    assert len(found.notes) == 1
    assert "cell 2" in found.notes[0]


def test_a_shell_cell_is_read_as_shell():
    found = reading(
        "%%bash\nllamafactory-cli train --stage sft --finetuning_type lora --lora_rank 64"
    )
    assert found.recipes
    assert found.recipes[0].settings["r"].value == 64
    assert found.recipes[0].span.cell == 1


def test_a_function_sees_the_name_of_any_cell():
    recipe = recipe_of(IMPORT + "r = 8", "def f():\n    return LoraConfig(r=r)", "r = 16\nf()")
    assert set(recipe.settings["r"].candidates) == {8, 16}


def test_cell_texts():
    texts = cells(notebook("#!md title", "x = 1").decode())
    assert texts == ("", "x = 1")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"cells": 3}', b"{}", b"\xff\xfe\xff", b"[" * 100_000]
)
def test_unreadable(data: bytes):
    with pytest.raises(Unreadable):
        read(Source("a.ipynb", "notebook", data))


@given(st.binary(max_size=200))
def test_arbitrary_bytes(data: bytes):
    try:
        read(Source("a.ipynb", "notebook", data))
    except Unreadable:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cells", "source", "cell_type", "worksheets", "input"]),
            inner,
            max_size=3,
        )
    ),
)


@given(JSON)
def test_arbitrary_json(value: object):
    try:
        read(Source("a.ipynb", "notebook", json.dumps(value).encode()))
    except Unreadable:
        return


def test_a_change_in_a_later_cell_counts_wherever_it_stands_in_its_cell():
    recipe = recipe_of(IMPORT + "\n\nc = LoraConfig(r=4)", "c.r = 8")
    assert recipe.settings["r"].candidates == (8,)
