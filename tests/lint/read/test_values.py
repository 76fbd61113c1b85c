# ruff: noqa: E501 (programs on one line)
"""What the resolver makes of one expression: ``r`` of a LoraConfig at the end of a snippet."""

import textwrap

import pytest

from lora_lint.read.python.reader import read
from lora_lint.sources.source import Source
from lora_rules.recipe import Origin, Setting

UNKNOWN = ()


def recipe_of(code: str):
    text = "from peft import LoraConfig\n" + textwrap.dedent(code)
    recipes = read(Source("train.py", "python", text.encode())).recipes
    assert len(recipes) == 1, recipes
    return recipes[0]


def r_of(code: str) -> Setting:
    return recipe_of(code).settings["r"]


KNOWN = {
    "literal": ("LoraConfig(r=8)", (8,)),
    "negative": ("LoraConfig(r=-8)", (-8,)),
    "arithmetic": ("a = 4\nLoraConfig(r=a * 2 + 1)", (9,)),
    "f-string": ("n = 3\nLoraConfig(r=f'x{n}y')", ("x3y",)),
    "percent": ("LoraConfig(r='a%d' % 3)", ("a3",)),
    "format": ("LoraConfig(r='a{}'.format(3))", ("a3",)),
    "split": ("LoraConfig(r='a,b'.split(','))", (["a", "b"],)),
    "int()": ("LoraConfig(r=int('8'))", (8,)),
    "max": ("LoraConfig(r=max(4, 8))", (8,)),
    "len": ("LoraConfig(r=len(['a', 'b']))", (2,)),
    "sorted set": ("LoraConfig(r=sorted({'b', 'a'}))", (["a", "b"],)),
    "list item": ("rs = [4, 8]\nLoraConfig(r=rs[1])", (8,)),
    "last item": ("rs = [4, 8]\nLoraConfig(r=rs[-1])", (8,)),
    "slice": ("rs = [4, 8, 16]\nLoraConfig(r=rs[:2])", ([4, 8],)),
    "dict item": ("c = {'r': 8, 'x': f()}\nLoraConfig(r=c['r'])", (8,)),
    "get": ("c = {'r': 8}\nLoraConfig(r=c.get('r', 4))", (8,)),
    "get default": ("c = {}\nLoraConfig(r=c.get('r', 4))", (4,)),
    "nested dict": ("c = {'lora': {'r': 8}}\nLoraConfig(r=c['lora']['r'])", (8,)),
    "if-else, unknown": ("LoraConfig(r=8 if f() else 16)", (8, 16)),
    "if-else, known": ("BIG = True\nLoraConfig(r=8 if not BIG else 16)", (16,)),
    "or": ("a = None\nLoraConfig(r=a or 8)", (8,)),
    "comprehension": ("LoraConfig(r=[f'l.{i}' for i in range(2)])", (["l.0", "l.1"],)),
    "loop": ("for r in [8, 16]:\n    LoraConfig(r=r)", (8, 16)),
    "loop over pairs": ("for r, a in [(8, 16), (16, 32)]:\n    LoraConfig(r=r)", (8, 16)),
    "sweep": ("[LoraConfig(r=r) for r in (4, 8)]", (4, 8)),
    "nearest": ("r = 4\nr = 8\nLoraConfig(r=r)\nr = 16", (8,)),
    "augmented": ("r = 4\nr *= 2\nLoraConfig(r=r)", (8,)),
    "branches": ("r = 4\nif f():\n    r = 8\nLoraConfig(r=r)", (8, 4)),
    "both branches": ("r = 1\nif f():\n    r = 8\nelse:\n    r = 4\nLoraConfig(r=r)", (8, 4)),
    "leaving branch": (
        "def g():\n    r = 4\n    if f():\n        r = 8\n        return\n    LoraConfig(r=r)",
        (4,),
    ),
    "try": ("try:\n    r = 4\nexcept E:\n    r = 8\nLoraConfig(r=r)", (4, 8)),
    "with": ("with f():\n    r = 4\nLoraConfig(r=r)", (4,)),
    "match": (
        "match f():\n    case 1:\n        r = 4\n    case _:\n        r = 8\nLoraConfig(r=r)",
        (4, 8),
    ),
    "while": ("r = 4\nwhile f():\n    r = 8\nLoraConfig(r=r)", (8, 4)),
    "loop-carried": ("r = 4\nfor _ in x:\n    LoraConfig(r=r)\n    r = 8", (8, 4)),
    "module name in a function": ("R = 8\ndef g():\n    LoraConfig(r=R)", (8,)),
    "bound later": ("def g():\n    LoraConfig(r=R)\nR = 8\ng()", (8,)),
    "two module bindings": ("R = 8\ndef g():\n    LoraConfig(r=R)\ng()\nR = 16\ng()", (8, 16)),
    "global": ("R = 8\ndef s():\n    global R\n    R = 16\ns()\nLoraConfig(r=R)", (8, 16)),
    "tuple": ("r, a = 8, 16\nLoraConfig(r=r)", (8,)),
    "chained": ("a = b = 8\nLoraConfig(r=b)", (8,)),
    "walrus": ("if (r := 8) > 4:\n    LoraConfig(r=r)", (8,)),
    "call sites": ("def g(r):\n    LoraConfig(r=r)\ng(8)\ng(r=16)", (8, 16)),
    "returned": ("def g():\n    return 8\nLoraConfig(r=g())", (8,)),
    "returned in branches": (
        "def g(x):\n    if x:\n        return 8\n    return 4\nLoraConfig(r=g(1))",
        (8, 4),
    ),
    "class attribute": ("class C:\n    r = 8\nLoraConfig(r=C.r)", (8,)),
    "inherited": ("class A:\n    r = 8\nclass B(A):\n    pass\nLoraConfig(r=B().r)", (8,)),
    "dataclass": ("@dataclass\nclass C:\n    r: int = 8\nLoraConfig(r=C().r)", (8,)),
    "dataclass, given": (
        "@dataclass\nclass C:\n    r: int = 8\nc = C(r=4)\nLoraConfig(r=c.r)",
        (4,),
    ),
    "dataclass, positional": (
        "@dataclass\nclass C:\n    r: int = 8\nc = C(4)\nLoraConfig(r=c.r)",
        (4,),
    ),
    "field": ("@dataclass\nclass C:\n    r: int = field(default=8)\nLoraConfig(r=C().r)", (8,)),
    "factory": (
        "@dataclass\nclass C:\n    r: list = field(default_factory=lambda: ['q'])\nLoraConfig(r=C().r)",
        (["q"],),
    ),
    "pydantic": ("class C(BaseModel):\n    r: int = Field(8, ge=1)\nLoraConfig(r=C().r)", (8,)),
    "optional": ("@dataclass\nclass C:\n    r: Optional[int] = 8\nLoraConfig(r=C().r)", (8,)),
    "self": (
        "class T:\n    def __init__(self):\n        self.r = 8\n    def go(self):\n        LoraConfig(r=self.r)",
        (8,),
    ),
    "self, class body": (
        "class T:\n    r = 8\n    def go(self):\n        LoraConfig(r=self.r)",
        (8,),
    ),
    "splat": ("c = {'r': 8}\nLoraConfig(**c)", (8,)),
    "dict()": ("c = dict(r=8)\nLoraConfig(**c)", (8,)),
    "dict(a, r=)": ("a = {'r': 4}\nLoraConfig(**dict(a, r=8))", (8,)),
    "dict in dict": ("a = {'r': 4}\nLoraConfig(**{**a, 'r': 8})", (8,)),
    "dict | dict": ("a = {'r': 4}\nLoraConfig(**(a | {'r': 8}))", (8,)),
    "changed item": ("c = {'r': 4}\nc['r'] = 8\nLoraConfig(**c)", (8,)),
    "update": ("c = {'r': 4}\nc.update(r=8)\nLoraConfig(**c)", (8,)),
    "update, dict": ("c = {'r': 4}\nc.update({'r': 8})\nLoraConfig(**c)", (8,)),
    "append": ("t = ['q']\nt.append('v')\nLoraConfig(r=t)", (["q", "v"],)),
    "list +=": ("t = ['q']\nt += ['v']\nLoraConfig(r=t)", (["q", "v"],)),
    "spread": ("a = ['q']\nLoraConfig(r=[*a, 'v'])", (["q", "v"],)),
    "dtype": ("import torch\nLoraConfig(r=torch.bfloat16)", ("bfloat16",)),
    "half": ("from torch import half\nLoraConfig(r=half)", ("float16",)),
    "getattr dtype": ("import torch\nn = 'float16'\nLoraConfig(r=getattr(torch, n))", ("float16",)),
    "task type": ("from peft import TaskType\nLoraConfig(r=TaskType.CAUSAL_LM)", ("CAUSAL_LM",)),
    "strategy": ("import transformers as t\nLoraConfig(r=t.IntervalStrategy.STEPS)", ("steps",)),
    "assigned afterwards": ("c = LoraConfig(r=8)\nc.r = 16", (16,)),
    "simple namespace": ("import types\nc = types.SimpleNamespace(r=8)\nLoraConfig(r=c.r)", (8,)),
    "guarded reassignment": ("r = None\nif r is None:\n    r = 8\nLoraConfig(r=r)", (8,)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known(name: str):
    code, expected = KNOWN[name]
    assert sorted(map(repr, r_of(code).candidates)) == sorted(map(repr, expected))


ARGPARSE = "import argparse\np = argparse.ArgumentParser()\n"
OVERRIDABLE = {
    "argparse": (
        ARGPARSE
        + "p.add_argument('--r', type=int, default=8)\na = p.parse_args()\nLoraConfig(r=a.r)",
        8,
    ),
    "two flags": (
        ARGPARSE
        + "p.add_argument('-r', '--rank', default=8)\na = p.parse_args()\nLoraConfig(r=a.rank)",
        8,
    ),
    "dest": (
        ARGPARSE
        + "p.add_argument('--x', dest='r', default=8)\na = p.parse_args()\nLoraConfig(r=a.r)",
        8,
    ),
    "dashes": (
        ARGPARSE
        + "p.add_argument('--lora-r', default=8)\na = p.parse_args()\nLoraConfig(r=a.lora_r)",
        8,
    ),
    "converted": (
        ARGPARSE + "p.add_argument('--r', type=int, default='8')\nLoraConfig(r=p.parse_args().r)",
        8,
    ),
    "store_true": (
        ARGPARSE + "p.add_argument('--r', action='store_true')\nLoraConfig(r=p.parse_args().r)",
        False,
    ),
    "known args": (
        ARGPARSE
        + "p.add_argument('--r', default=8)\na, _ = p.parse_known_args()\nLoraConfig(r=a.r)",
        8,
    ),
    "group": (
        ARGPARSE
        + "g = p.add_argument_group('x')\ng.add_argument('--r', default=8)\nLoraConfig(r=p.parse_args().r)",
        8,
    ),
    "set_defaults": (
        ARGPARSE
        + "p.add_argument('--r', default=8)\np.set_defaults(r=4)\nLoraConfig(r=p.parse_args().r)",
        4,
    ),
    "parsed in a function": (
        ARGPARSE + "p.add_argument('--r', default=8)\ndef get():\n    return p.parse_args()\n"
        "def main(args):\n    LoraConfig(r=args.r)\nmain(get())",
        8,
    ),
    "arithmetic": (
        ARGPARSE + "p.add_argument('--r', default=8)\na = p.parse_args()\nLoraConfig(r=2 * a.r)",
        16,
    ),
    "vars": (
        ARGPARSE
        + "p.add_argument('--r', default=8)\na = vars(p.parse_args())\nLoraConfig(r=a['r'])",
        8,
    ),
    "parameter": ("def g(r=8):\n    LoraConfig(r=r)", 8),
    "fire": ("import fire\ndef g(r=8):\n    LoraConfig(r=r)\nfire.Fire(g)", 8),
    "environment": ("import os\nLoraConfig(r=int(os.environ.get('R', '8')))", 8),
    "getenv": ("import os\nLoraConfig(r=int(os.getenv('R', 8)))", 8),
    "click": (
        "import click\n@click.command()\n@click.option('--r', default=8)\ndef g(r):\n    LoraConfig(r=r)",
        8,
    ),
    "typer": ("import typer\ndef g(r: int = typer.Option(8, help='x')):\n    LoraConfig(r=r)", 8),
    "hf parser": (
        "from transformers import HfArgumentParser\n@dataclass\nclass C:\n    r: int = field(default=8)\n"
        "c, t = HfArgumentParser((C, T)).parse_args_into_dataclasses()\nLoraConfig(r=c.r)",
        8,
    ),
    "hf parser [0]": (
        "from transformers import HfArgumentParser\n@dataclass\nclass C:\n    r: int = 8\n"
        "p = HfArgumentParser(C)\nc = p.parse_args_into_dataclasses()[0]\nLoraConfig(r=c.r)",
        8,
    ),
    "trl parser": (
        "from trl import TrlParser\n@dataclass\nclass C:\n    r: int = 8\n"
        "p = TrlParser((C,))\n(c,) = p.parse_args_and_config()\nLoraConfig(r=c.r)",
        8,
    ),
    "annotated": ("@dataclass\nclass C:\n    r: int = 8\ndef g(c: C):\n    LoraConfig(r=c.r)", 8),
}


@pytest.mark.parametrize("name", OVERRIDABLE)
def test_overridable(name: str):
    code, expected = OVERRIDABLE[name]
    setting = r_of(code)
    assert setting.candidates == (expected,)
    assert setting.overridable
    assert setting.origin is Origin.DERIVED
    assert setting.source


UNKNOWABLE = {
    "a call": "LoraConfig(r=f())",
    "no such name": "LoraConfig(r=nowhere)",
    "imported": "from config import R\nLoraConfig(r=R)",
    "one branch": "r = 4\nif f():\n    r = g()\nLoraConfig(r=r)",
    "one element": "LoraConfig(r=['q', f()])",
    "parameter": "def g(r):\n    LoraConfig(r=r)",
    "hidden keywords": "LoraConfig(**f())",
    "open dict": "c = {**f()}\nLoraConfig(**c)",
    "overwritten by the unknown": "c = {'r': 8, **f()}\nLoraConfig(**c)",
    "itself": "r = r\nLoraConfig(r=r)",
    "grows in a loop": "r = 4\nfor _ in x:\n    r *= 2\nLoraConfig(r=r)",
    "deleted": "r = 4\ndel r\nLoraConfig(r=r)",
    "required": ARGPARSE + "p.add_argument('--r', required=True)\nLoraConfig(r=p.parse_args().r)",
    "no default": ARGPARSE + "p.add_argument('--r', type=int)\nLoraConfig(r=p.parse_args().r)",
    "unknown conversion": ARGPARSE
    + "p.add_argument('--r', type=conv, default='8')\nLoraConfig(r=p.parse_args().r)",
    "guarded zero": ARGPARSE
    + "p.add_argument('--r', type=int, default=0)\na = p.parse_args()\nif a.r > 0:\n    LoraConfig(r=a.r)",
    "zero under another test": ARGPARSE
    + "p.add_argument('--r', type=int, default=0)\na = p.parse_args()\nif a.lora:\n    LoraConfig(r=a.r)",
    "guarded by return": "def g(r=0):\n    if r <= 0:\n        return None\n    return LoraConfig(r=r)",
    "enumeration": "class E(Enum):\n    R = 8\nLoraConfig(r=E.R)",
    "self, twice": "class T:\n    def __init__(self):\n        self.r = 8\n    def s(self):\n        self.r = 4\n    def go(self):\n        LoraConfig(r=self.r)",
    "environment": "import os\nLoraConfig(r=os.environ['R'])",
    "unknown key": "c = {'r': 8}\nc[k()] = 4\nLoraConfig(r=c['r'])",
    "changed under a test": "c = LoraConfig(r=8)\nif f():\n    c.r = 16",
    "huge": "LoraConfig(r=9 ** 9 ** 9)",
    "division by zero": "LoraConfig(r=1 / 0)",
}


@pytest.mark.parametrize("name", UNKNOWABLE)
def test_unknown(name: str):
    setting = r_of(UNKNOWABLE[name])
    assert setting.candidates == UNKNOWN
    assert setting.reason


def test_origin_is_written_through_a_name_and_says_where():
    setting = r_of("rank = 8\nLoraConfig(r=rank)")
    assert setting.origin is Origin.WRITTEN
    assert (setting.span.line, setting.span.column) == (3, 14)
    assert (setting.declared.line, setting.declared.column) == (2, 8)
    assert not setting.overridable


def test_arithmetic_is_derived_and_says_from_what():
    setting = r_of("rank = 8\nLoraConfig(r=rank * 2)")
    assert setting.origin is Origin.DERIVED
    assert setting.source == "`rank * 2`"


def test_a_default_says_whose_it_is():
    setting = r_of(
        ARGPARSE + "p.add_argument('--lora_r', default=8)\nLoraConfig(r=p.parse_args().lora_r)"
    )
    assert setting.source == "the default of --lora_r (line 4)"


def test_assignment_after_parsing_counts():
    setting = r_of(
        ARGPARSE
        + "p.add_argument('--r', default=8)\na = p.parse_args()\na.r = 4\nLoraConfig(r=a.r)"
    )
    assert setting.candidates == (4,)
    assert not setting.overridable


def test_a_large_file_does_not_take_a_step_for_each_pair_of_statements():
    code = (
        "x = 1\n" * 3000
        + "r = 4\n"
        + "".join(f"if f({i}):\n    r = {i % 30}\n" for i in range(3000))
    )
    # minutes, if it did
    assert sorted(r_of(code + "LoraConfig(r=r)").candidates) == list(range(30))


def test_a_constant_that_is_assigned_again_before_a_function_is_defined_has_its_last_value():
    text = """
from peft import LoraConfig
R = 8
R = 32
ALPHA = 16
def make():
    return LoraConfig(r=R, lora_alpha=ALPHA)
ALPHA = 64
"""
    settings = read(Source("train.py", "python", text.encode())).recipes[0].settings
    assert settings["r"].candidates == (32,)
    assert set(settings["lora_alpha"].candidates) == {16, 64}
