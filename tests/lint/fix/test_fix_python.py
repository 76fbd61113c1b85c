"""Edits in Python: calls, names, comments, commas and lines."""

from __future__ import annotations

import json

import pytest

from fixing import edited
from lora_lint.fix.text import NotOffered
from lora_rules.engine.problem import Add, Remove, Rename, Set

HEAD = "from peft import LoraConfig\nfrom trl import SFTConfig, SFTTrainer\n"


def in_python(body: str, *edits: object) -> str:
    return edited(HEAD + body, "a.py", *edits).removeprefix(HEAD)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("c = LoraConfig(r=4)\n", "c = LoraConfig(r=16)\n"),
        ("c = LoraConfig(r = 4 , bias='none') # four\n",
         "c = LoraConfig(r = 16 , bias='none') # four\n"),
        ("c = LoraConfig(**{'r': 4})\n", "c = LoraConfig(**{'r': 16})\n"),
        ("c = LoraConfig(**dict(r=4))\n", "c = LoraConfig(**dict(r=16))\n"),
        ("R = 4  # rank\nc = LoraConfig(r=R)\n", "R = 16  # rank\nc = LoraConfig(r=R)\n"),
        ("a: int = 4\nb = a\nc = LoraConfig(r=b)\n", "a: int = 16\nb = a\nc = LoraConfig(r=b)\n"),
        ("d = {'r': 4}\nc = LoraConfig(**d)\n", "d = {'r': 16}\nc = LoraConfig(**d)\n"),
        ("c = LoraConfig()\nc.r = 4\n", "c = LoraConfig()\nc.r = 16\n"),
        ("é = 'é'; c = LoraConfig(bias='é' and 'none', r=4)\n",
         "é = 'é'; c = LoraConfig(bias='é' and 'none', r=16)\n"),
    ],
)  # fmt: skip
def test_a_value_is_mended_where_it_stands(before: str, after: str) -> None:
    assert in_python(before, Set("r", 16)) == after


@pytest.mark.parametrize(
    "body",
    [
        "R = 4\nprint(R)\nc = LoraConfig(r=R)\n",
        "R = 4\nR = 8\nc = LoraConfig(r=R)\n",
        "c = LoraConfig(r=2 * 2)\n",
        "d = {'r': 4}\nprint(d)\nc = LoraConfig(**d)\n",
        "R = 4\nexec('print(R)')\nc = LoraConfig(r=R)\n",
        "def f(r=4):\n    return LoraConfig(r=r)\n",
        "class A:\n    r = 4\n\nc = LoraConfig(r=A.r)\n",
        "import argparse\n"
        "p = argparse.ArgumentParser()\np.add_argument('--r', type=int, default=4)\n"
        "a = p.parse_args()\nc = LoraConfig(r=a.r)\n",
        "for r in [4]:\n    c = LoraConfig(r=r)\n",
    ],
)
def test_a_value_that_serves_something_else_is_left_alone(body: str) -> None:
    with pytest.raises(NotOffered):
        in_python(body, Set("r", 16))


def test_quotes_are_those_that_stood_there() -> None:
    assert in_python("c = LoraConfig(bias='None')\n", Set("bias", "none")).endswith("'none')\n")
    assert in_python('c = LoraConfig(bias="None")\n', Set("bias", "none")).endswith('"none")\n')


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("[\n    'a',\n    'b',\n]", ["q", "v"], "[\n    'q',\n    'v',\n]"),
        ("[\n  'a', 'b'\n  ]", ["q"], "[\n  'q',\n  ]"),
        ("[\n    'a',\n]", "all-linear", "'all-linear'"),
        ("['a',\n 'b']", ["q"], "['q']"),
    ],
)
def test_a_list_over_several_lines(before: str, value: object, after: str) -> None:
    body = f"c = LoraConfig(r=8, target_modules={before})\n"
    assert in_python(body, Set("target_modules", value)) == body.replace(before, after)
    with_comment = body.replace("\n", "  # why\n", 1)
    with pytest.raises(NotOffered, match="comment"):
        in_python(with_comment, Set("target_modules", value))


def test_a_dtype_of_torch_stays_one() -> None:
    body = (
        "import torch\n"
        "from transformers import AutoModelForCausalLM as M, BitsAndBytesConfig as B\n"
        "b = B(load_in_4bit=True, bnb_4bit_compute_dtype=torch.float16)\n"
        "m = M.from_pretrained('x/y', quantization_config=b)\n"
        "t = SFTTrainer(model=m, peft_config=LoraConfig(r=8))\n"
    )
    after = in_python(body, Set("bnb_4bit_compute_dtype", "bfloat16"))
    assert after == body.replace("torch.float16", "torch.bfloat16")


ARGUMENTS = [
    ("c = LoraConfig(r=4)\n", "c = LoraConfig(r=4, lora_dropout=0.1)\n"),
    ("c = LoraConfig(r=4,)\n", "c = LoraConfig(r=4, lora_dropout=0.1,)\n"),
    ("c = LoraConfig()\n", "c = LoraConfig(lora_dropout=0.1)\n"),
    ("c = LoraConfig( r=4 )\n", "c = LoraConfig( r=4, lora_dropout=0.1 )\n"),
    ("c = LoraConfig(\n    r=4,\n)\n", "c = LoraConfig(\n    r=4,\n    lora_dropout=0.1,\n)\n"),
    ("c = LoraConfig(\n    r=4\n)\n", "c = LoraConfig(\n    r=4,\n    lora_dropout=0.1\n)\n"),
    (
        "c = LoraConfig(\n    r=4,  # four\n)  # end\n",
        "c = LoraConfig(\n    r=4,  # four\n    lora_dropout=0.1,\n)  # end\n",
    ),
    (
        "c = LoraConfig(\n    r=4  # four\n)\n",
        "c = LoraConfig(\n    r=4,  # four\n    lora_dropout=0.1\n)\n",
    ),
    (
        "c = LoraConfig(\n    r=4,\n    # no bias\n    bias='none',\n    # the end\n)\n",
        "c = LoraConfig(\n    r=4,\n    # no bias\n    bias='none',\n    # the end\n"
        "    lora_dropout=0.1,\n)\n",
    ),
    (
        "c = LoraConfig(r=4,\n               bias='none')\n",
        "c = LoraConfig(r=4,\n               bias='none',\n               lora_dropout=0.1)\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ARGUMENTS)
def test_an_argument_is_added_in_the_layout_of_the_others(before: str, after: str) -> None:
    assert in_python(before, Add("lora_dropout", 0.1)) == after


@pytest.mark.parametrize(("before", "after"), ARGUMENTS)
def test_the_same_with_carriage_returns(before: str, after: str) -> None:
    text = (HEAD + before).replace("\n", "\r\n").encode()
    wanted = (HEAD + after).replace("\n", "\r\n")
    assert edited(text, "a.py", Add("lora_dropout", 0.1)) == wanted


def test_an_argument_goes_to_the_call_that_takes_it() -> None:
    body = "t = SFTTrainer(model='x/y', args=SFTConfig(max_steps=1), peft_config=LoraConfig(r=4))\n"
    after = in_python(body, Add("packing", True))
    assert after == body.replace("max_steps=1", "max_steps=1, packing=True")


def test_no_argument_is_added_where_more_may_arrive_unseen() -> None:
    with pytest.raises(NotOffered):
        in_python("c = LoraConfig(r=4, **unknown)\n", Add("lora_dropout", 0.1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("c = LoraConfig(r=4, bias='all')\n", "c = LoraConfig(r=4)\n"),
        ("c = LoraConfig(bias='all', r=4)\n", "c = LoraConfig(r=4)\n"),
        ("c = LoraConfig(r=4, bias='all',)\n", "c = LoraConfig(r=4,)\n"),
        ("c = LoraConfig(bias='all')\n", "c = LoraConfig()\n"),
        (
            "c = LoraConfig(\n    r=4,  # four\n    bias='all',\n    lora_alpha=8,\n)\n",
            "c = LoraConfig(\n    r=4,  # four\n    lora_alpha=8,\n)\n",
        ),
        (
            "c = LoraConfig(\n    r=4,  # four\n    bias='all',\n)\n",
            "c = LoraConfig(\n    r=4,  # four\n)\n",
        ),
    ],
)
def test_an_argument_is_taken_out_with_its_comma(before: str, after: str) -> None:
    assert in_python(before, Remove("bias")) == after


def test_a_comment_is_never_lost() -> None:
    with pytest.raises(NotOffered, match="comment"):
        in_python("c = LoraConfig(\n    r=4,\n    bias='all',  # why\n)\n", Remove("bias"))


def test_a_keyword_is_renamed_unless_the_name_is_taken() -> None:
    assert in_python("c = LoraConfig(rank=4)\n", Rename("rank", "r")) == "c = LoraConfig(r=4)\n"
    with pytest.raises(NotOffered, match="already"):
        in_python("c = LoraConfig(rank=4, r=8)\n", Rename("rank", "r"))


def test_a_key_of_a_dict_is_renamed_in_its_quotes() -> None:
    with pytest.raises(NotOffered):
        in_python("c = LoraConfig(**{'rank': 4, 'r': 8})\n", Rename("rank", "r"))
    after = in_python("c = LoraConfig(**{'rank': 4})\n", Rename("rank", "r"))
    assert after == "c = LoraConfig(**{'r': 4})\n"


def notebook(*sources: object, indent: int | None = 1) -> bytes:
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    return json.dumps({"cells": cells, "nbformat": 4}, indent=indent).encode()


def test_only_the_string_that_changes_is_written_in_a_notebook() -> None:
    lines = [
        "from peft import LoraConfig\n",
        "t = 'é \\ \"q\" 😀'; c = LoraConfig(r=4)  # é\n",
        "c",
    ]
    before = notebook("%matplotlib inline", lines)
    after = edited(before, "n.ipynb", Set("r", 16))
    assert after == before.decode().replace("r=4", "r=16")


def test_a_new_line_of_a_cell_is_a_string_of_its_own() -> None:
    lines = ["from peft import LoraConfig\n", "c = LoraConfig(\n", "    r=4,\n", ")"]
    after = edited(notebook(lines), "n.ipynb", Add("lora_dropout", 0.1))
    wanted = [*lines[:3], "    lora_dropout=0.1,\n", ")"]
    assert after == notebook(wanted).decode()


def test_a_line_that_goes_takes_its_string_along() -> None:
    first = ["from peft import LoraConfig\n", "c = LoraConfig(\n", "    r=4,\n"]
    lines = [*first, "    bias='all',\n", ")"]
    after = edited(notebook(lines), "n.ipynb", Remove("bias"))
    assert after == notebook([*first, ")"]).decode()


def test_a_cell_of_one_string_stays_one() -> None:
    source = "from peft import LoraConfig\nc = LoraConfig(\n    r=4,\n)"
    after = edited(notebook(source, indent=None), "n.ipynb", Add("lora_dropout", 0.1))
    wanted = source.replace("    r=4,\n", "    r=4,\n    lora_dropout=0.1,\n")
    assert after == notebook(wanted, indent=None).decode()


def test_a_name_of_another_cell_is_followed() -> None:
    before = notebook("R = 4", "from peft import LoraConfig", "LoraConfig(r=R)")
    assert edited(before, "n.ipynb", Set("r", 16)) == before.decode().replace("R = 4", "R = 16")


def test_a_file_in_another_encoding_keeps_it() -> None:
    before = "# -*- coding: latin-1 -*-\nfrom peft import LoraConfig\nLoraConfig(r=4)  # é\n"
    from lora_lint.fix.document import Document
    from lora_lint.fix.text import Change
    from lora_lint.sources.source import Source

    document = Document(Source("a.py", "python", before.encode("latin-1")))
    start = before.index("4)")
    changed = document.changed(None, [Change(start, start + 1, "16")])
    assert changed.source.data == before.replace("r=4", "r=16").encode("latin-1")
