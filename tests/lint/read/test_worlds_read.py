"""Which values of a program belong to one run: the readers' choices, put together as worlds."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint.read import yaml
from lora_lint.read.python.reader import read
from lora_lint.read.shell.reader import read_text
from lora_lint.sources.source import Source
from lora_rules.engine.tracking import has_several
from lora_rules.engine.worlds import worlds_of
from lora_rules.recipe import Recipe

HEADER = """\
import argparse, itertools
from dataclasses import dataclass
from peft import LoraConfig
from somewhere import f0, f1, f2, ask, extra
parser = argparse.ArgumentParser()
parser.add_argument("--big", action="store_true")
parser.add_argument("--size")
a = parser.parse_args()
"""
UNKNOWN = "unknown"


def recipes_of(body: str) -> tuple[Recipe, ...]:
    return read(Source("train.py", "python", (HEADER + body).encode())).recipes


def worlds(recipe: Recipe, *names: str) -> set[tuple[object, ...]]:
    """The values that the settings have together, a tuple for each world."""
    several = [name for name in names if has_several(recipe.settings[name])]
    found = worlds_of(recipe, several)
    assert found.complete
    return {tuple(_value(world.recipe, name) for name in names) for world in found.each}


def _value(recipe: Recipe, name: str) -> object:
    setting = recipe.settings.get(name)
    if setting is None:
        return "absent"
    if not setting.candidates:
        return UNKNOWN
    value = setting.value
    return tuple(value) if isinstance(value, list) else value


def pairs(body: str) -> set[tuple[object, ...]]:
    """``r`` and ``lora_alpha`` in all worlds of all recipes of a program."""
    return {pair for recipe in recipes_of(body) for pair in worlds(recipe, "r", "lora_alpha")}


SMALL_AND_BIG = {(4, 8), (128, 256)}
USE = "\nLoraConfig(r=r, lora_alpha=alpha)"
TABLE = 'cfg = {"s": dict(r=4, alpha=8), "l": dict(r=128, alpha=256)}'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("r, alpha = (128, 256) if a.big else (4, 8)" + USE, id="conditional"),
        pytest.param(
            "r = 128 if a.big else 4\nalpha = 256 if a.big else 8" + USE, id="the same test twice"
        ),
        pytest.param(
            "r = 128 if a.big else 4\nalpha = 8 if not a.big else 256" + USE,
            id="the same test turned round",
        ),
        pytest.param(
            "r = 4 if a.size == 's' else 128\nalpha = 256 if a.size != 's' else 8" + USE,
            id="equal and not equal",
        ),
        pytest.param("r = 128 if ask() else 4" "\nLoraConfig(r=r, lora_alpha=2 * r)", id="of r"),
        pytest.param("for r in (4, 128): LoraConfig(r=r, lora_alpha=2 * r)", id="loop"),
        pytest.param("for r in (4, 128): LoraConfig(r=r, lora_alpha=3 * r - r)", id="twice"),
        pytest.param("[LoraConfig(r=r, lora_alpha=2 * r) for r in (4, 128)]", id="comprehension"),
        pytest.param(f"for r, alpha in ((4, 8), (128, 256)):{USE.strip()}", id="loop over pairs"),
        pytest.param("for r, alpha in zip((4, 128), (8, 256)): " + USE.strip(), id="zip"),
        pytest.param(
            "for i, (r, alpha) in enumerate([(4, 8), (128, 256)]): " + USE.strip(), id="enumerate"
        ),
        pytest.param(
            "for c in [dict(r=4, lora_alpha=8), dict(r=128, lora_alpha=256)]: LoraConfig(**c)",
            id="list of mappings",
        ),
        pytest.param(
            "@dataclass\nclass C:\n  r: int\n  alpha: int\n"
            "for c in (C(4, 8), C(128, alpha=256)): LoraConfig(r=c.r, lora_alpha=c.alpha)",
            id="list of dataclasses",
        ),
        pytest.param(
            "for s in ('s', 'l'):\n  if s == 's': r, alpha = 4, 8\n"
            "  else: r, alpha = 128, 256\n  LoraConfig(r=r, lora_alpha=alpha)",
            id="a test that the pass decides",
        ),
        pytest.param(
            "for r, alpha in ((4, 8), (8, 8), (128, 256)):\n  if r == 8: continue\n"
            "  LoraConfig(r=r, lora_alpha=alpha)",
            id="a pass that is left out",
        ),
        pytest.param("if a.big: r, alpha = 128, 256\nelse: r, alpha = 4, 8" + USE, id="if"),
        pytest.param("r, alpha = 4, 8\nif ask(): r = 128; alpha = 256" + USE, id="if without else"),
        pytest.param(
            "if a.size == 's': r, alpha = 4, 8\nelif a.size == 'l': r, alpha = 128, 256\n"
            "else: raise ValueError" + USE,
            id="elif",
        ),
        pytest.param(
            "match a.size:\n  case 's': r, alpha = 4, 8\n  case _: r, alpha = 128, 256" + USE,
            id="match",
        ),
        pytest.param(
            "try:\n  import deepspeed\n  r, alpha = 128, 256\nexcept ImportError:\n"
            "  r, alpha = 4, 8" + USE,
            id="try",
        ),
        pytest.param(
            "R = 4\nif a.big: R = 128\n"
            "def f(): LoraConfig(r=R, lora_alpha=256 if a.big else 8)\nf()",
            id="a name of the module",
        ),
        pytest.param(
            "def make(r, alpha): return LoraConfig(r=r, lora_alpha=alpha)\n"
            "make(4, 8); make(128, alpha=256)",
            id="calls",
        ),
        pytest.param(
            "def make(r, alpha=8): return LoraConfig(r=r, lora_alpha=alpha)\n"
            "make(4); make(128, 256)",
            id="a call that leaves a default",
        ),
        pytest.param(
            "class M:\n  def __init__(self, r, alpha): self.r = r; self.alpha = alpha\n"
            "  def go(self): LoraConfig(r=self.r, lora_alpha=self.alpha)\n"
            "M(4, 8).go(); M(128, 256).go()",
            id="objects",
        ),
        pytest.param(
            "def pick(s):\n  if s == 's': return 4, 8\n  return 128, 256\n"
            "for s in ('s', 'l'):\n  r, alpha = pick(s)\n  LoraConfig(r=r, lora_alpha=alpha)",
            id="what a function returns",
        ),
        pytest.param(
            f"{TABLE}[ask()]\nLoraConfig(r=cfg['r'], lora_alpha=cfg['alpha'])", id="unknown key"
        ),
        pytest.param(
            "R = {'s': 4, 'l': 128}\nA = {'l': 256, 's': 8}\nLoraConfig(r=R[f0], lora_alpha=A[f0])",
            id="two mappings, one key",
        ),
        pytest.param(
            "cfg = dict(r=4)\nif a.big: cfg.update(r=128, lora_alpha=256)\n"
            "else: cfg['lora_alpha'] = 8\nLoraConfig(**cfg)",
            id="a mapping that is changed",
        ),
    ],
)  # fmt: skip
def test_values_of_one_run_belong_together(body: str) -> None:
    assert pairs(body) == SMALL_AND_BIG


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("r = 4 if ask() else 8\nalpha = 16 if ask() else 32", {4: {16, 32}, 8: {16, 32}}),
        ("r = 4 if a.big else 8\nalpha = 16 if a.size else 32", {4: {16, 32}, 8: {16, 32}}),
        ("a.big = ask()\nr = 4 if a.big else 8\na.big = ask()\nalpha = 16 if a.big else 32",
         {4: {16, 32}, 8: {16, 32}}),
        ("def p(x):\n  if x: return 4\n  return 8\nr, alpha = p(f0), p(f1)",
         {4: {4, 8}, 8: {4, 8}}),
        ("def double(x): return 2 * x\nr, alpha = double(4), double(8)", {8: {16}}),
        ("class M:\n  def __init__(self, r): self.r = r\n  def get(self): return self.r\n"
         "r, alpha = M(4).get(), M(8).get()", {4: {8}}),
        ("r = 8 if a.big else 8\nalpha = 16 if a.big else 32", {8: {16, 32}}),
        ("r = (8 if a.big else None) or 16\nalpha = 16 if a.big else 32", {8: {16}, 16: {32}}),
        ("alpha = 16\nif a.big: r = 4; alpha = 32\nelif a.size: r = 8; alpha = 64",
         {4: {32}, 8: {64}}),
        ("R = {'s': 4, 'l': 8}\nr, alpha = R[ask()], R[ask()]", {4: {4, 8}, 8: {4, 8}}),
    ],
)  # fmt: skip
def test_choices_that_differ_are_combined(body: str, expected: dict[int, set[int]]) -> None:
    assert pairs(body + USE) == {(r, each) for r, alphas in expected.items() for each in alphas}


def test_a_product_is_every_combination() -> None:
    body = "for r, alpha in itertools.product((4, 8), (16, 32)): LoraConfig(r=r, lora_alpha=alpha)"
    assert pairs(body) == {(4, 16), (4, 32), (8, 16), (8, 32)}


def test_an_argument_given_in_one_branch_has_its_default_in_the_other() -> None:
    (recipe,) = recipes_of(
        "kw = dict(r=4)\nif a.big: kw = dict(r=128, use_dora=True)\nLoraConfig(**kw)"
    )
    assert worlds(recipe, "r", "use_dora") == {(4, False), (128, True)}


def test_an_argument_of_one_branch_without_a_default_is_unknown() -> None:
    (recipe,) = recipes_of(
        "from transformers import AutoModelForCausalLM\nfrom trl import SFTTrainer\n"
        "kw = {}\nif a.big: kw['attn_implementation'] = 'sdpa'\n"
        "model = AutoModelForCausalLM.from_pretrained('org/m', **kw)\n"
        "SFTTrainer(model=model, peft_config=LoraConfig(r=4))"
    )
    assert worlds(recipe, "r", "attn_implementation") == {(4, UNKNOWN)}
    assert recipe.settings["attn_implementation"].reason == "only some branches give it"


def test_what_another_branch_sets_is_of_another_run() -> None:
    small, big = recipes_of(
        "from trl import SFTConfig, SFTTrainer\n"
        "if a.big:\n  lora = LoraConfig(r=128); lr = 1e-4\n"
        "else:\n  lora = LoraConfig(r=4); lr = 2e-4\n"
        "SFTTrainer(model='org/m', args=SFTConfig(learning_rate=lr), peft_config=lora)"
    )
    assert worlds(small, "r", "learning_rate") == {(128, 1e-4)}
    assert worlds(big, "r", "learning_rate") == {(4, 2e-4)}


def test_calls_from_outside_a_module_leave_all_its_defaults() -> None:
    (recipe,) = recipes_of(
        "def make(r=8, alpha=16): return LoraConfig(r=r, lora_alpha=alpha)\n"
        "def small(): make(4, 8)\ndef big(): make(128, 256)"
    )
    assert worlds(recipe, "r", "lora_alpha") == {*SMALL_AND_BIG, (8, 16)}
    assert recipe.settings["r"].overridable


def test_one_value_needs_no_choices() -> None:
    (recipe,) = recipes_of("if a.big: r = 8\nelse: r = 8\nLoraConfig(r=r)")
    assert recipe.settings["r"].candidates == (8,)
    assert recipe.settings["r"].choices == ()


def test_a_choice_is_named_by_its_place() -> None:
    (recipe,) = recipes_of("for r in (4, 128):\n    LoraConfig(r=r)")
    line = HEADER.count("\n") + 1
    assert [tuple(choices) for choices in recipe.settings["r"].choices] == [
        ((f"{line}:1", 0),),
        ((f"{line}:1", 1),),
    ]
    key = next(key for key in recipe.blocks[0].keys if key.name == "r")
    assert key.choices == recipe.settings["r"].choices


@pytest.mark.parametrize(
    ("given_as", "expected"),
    [
        ("['q_proj', *extra]", ("q_proj",)),
        ("['q_proj'] + extra", ("q_proj",)),
        ("extra + ['q_proj', 'v_proj']", ("q_proj", "v_proj")),
        ("['q_proj', extra]", ("q_proj",)),
        ("['q_proj', 'k_proj' if a.big else 'v_proj', *extra]", ("q_proj",)),
        ("(['q_proj', *extra] if a.big else ['q_proj', 'v_proj'])", ("q_proj",)),
        ("{**extra, 'q_proj': 4}", ("q_proj",)),
        ("extra", ()),
        ("sorted(['q_proj', *extra])", ()),
    ],
)
def test_what_a_partly_known_list_or_mapping_has(given_as: str, expected: tuple[str, ...]) -> None:
    (recipe,) = recipes_of(f"LoraConfig(target_modules={given_as})")
    setting = recipe.settings["target_modules"]
    assert setting.candidates == ()
    assert setting.elements == expected
    assert setting.reason


def test_a_list_that_grows_by_something_unknown_keeps_what_it_had() -> None:
    (recipe,) = recipes_of("t = ['q_proj']\nt.extend(extra)\nLoraConfig(target_modules=t)")
    assert recipe.settings["target_modules"].elements == ("q_proj",)


def test_a_position_in_a_partly_known_list_is_unknown() -> None:
    (recipe,) = recipes_of("t = [*extra, 8]\nLoraConfig(r=t[0], lora_alpha=t[-1])")
    assert worlds(recipe, "r", "lora_alpha") == {(UNKNOWN, UNKNOWN)}


def test_what_stands_over_an_unknown_mapping_is_known() -> None:
    (recipe,) = recipes_of("LoraConfig(**{**extra, 'r': 8})")
    assert worlds(recipe, "r", "lora_alpha") == {(8, UNKNOWN)}


def test_a_sweep_of_a_file_is_one_choice_for_its_setting_and_its_key() -> None:
    text = "base_model: m\nadapter: lora\nlora_r: 8\nrl: [dpo, grpo]\nlora_alpha: [16, 32, 16]\n"
    (recipe,) = yaml.read(Source("a.yaml", "yaml", text.encode()), None).recipes
    key = next(key for key in recipe.blocks[0].keys if key.name == "rl")
    assert key.candidates == ("dpo", "grpo")
    assert key.choices == recipe.settings["trainer_method"].choices
    assert worlds(recipe, "trainer_method", "lora_alpha") == {
        (method, alpha) for method in ("dpo", "grpo") for alpha in (16, 32)
    }


COMMAND = "llamafactory-cli train --finetuning_type lora --lora_rank $R --lora_alpha $A\n"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f"for R in 4 128; do A=1\n{COMMAND.replace('$A', '$R')}done", {(4, 4), (128, 128)}),
        (f"for R in 4 128; do for A in 8 16; do\n{COMMAND}done; done",
         {(4, 8), (4, 16), (128, 8), (128, 16)}),
        (f"if [ $1 = big ]; then R=128; A=256; else R=4; A=8; fi\n{COMMAND}", SMALL_AND_BIG),
        (f"R=4; A=8\nif [ $1 = big ]; then R=128; A=256; fi\n{COMMAND}", SMALL_AND_BIG),
        (f"if x; then R=4; A=8; elif y; then R=128; A=256; else R=4; A=8; fi\n{COMMAND}",
         SMALL_AND_BIG),
        (f"if x; then if y; then R=4; else R=128; fi; A=8; else R=8; A=16; fi\n{COMMAND}",
         {(4, 8), (128, 8), (8, 16)}),
        (f"R=4; A=8\nfor i in 1 2; do if x; then R=128; fi; done\n{COMMAND}", {(UNKNOWN, 8)}),
        (f"A=8\nif x; then R=128; fi\n{COMMAND}", {(UNKNOWN, 8)}),
    ],
)  # fmt: skip
def test_values_of_one_pass_or_arm_of_a_shell_script_belong_together(
    script: str, expected: set[tuple[object, ...]]
) -> None:
    (recipe,) = read_text(script, "a.sh")
    assert worlds(recipe, "r", "lora_alpha") == expected


# Random programs, run with every outcome of every test

MANY_BRANCHES = 12
"""With more, not every combination of branches is told apart; no run is lost."""
NAMES = ("r", "alpha", "dropout")
START = "r = 2\nalpha = 3\ndropout = 5\n"
CALL = "LoraConfig(r=r, lora_alpha=alpha, lora_dropout=dropout)"

constants = st.integers(1, 4).map(str)
operands = st.sampled_from(NAMES) | constants
tests = st.sampled_from(["f0", "not f0", "f1", "ask()"])
expressions = st.one_of(
    operands,
    st.tuples(operands, operands).map(" + ".join),
    st.builds("({} if {} else {})".format, operands, tests, operands),
    st.builds("({} if {} else {}) * 10 + {}".format, operands, tests, operands, operands),
)
assignments = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(NAMES), expressions),
    st.builds("r, alpha = ({}, {}) if {} else ({}, {})".format, *[operands] * 2, tests,
              *[operands] * 2),
)  # fmt: skip


def indented(lines: list[str]) -> str:
    return "\n".join("    " + line for each in lines for line in each.splitlines())


def branch(test: str, body: list[str], other: list[str]) -> str:
    text = f"if {test}:\n{indented(body)}"
    return f"{text}\nelse:\n{indented(other)}" if other else text


def blocks(statement: st.SearchStrategy[str], least: int) -> st.SearchStrategy[list[str]]:
    return st.lists(statement, min_size=least, max_size=2)


branches = st.recursive(
    assignments,
    lambda inner: st.builds(branch, tests, blocks(inner, 1), blocks(inner, 0)),
    max_leaves=4,
)
arguments = st.tuples(operands, operands, operands).map(", ".join)
ends = st.one_of(
    st.just(CALL),
    st.builds(
        lambda rows, body: f"for r, alpha in ({', '.join(rows)},):\n{indented([*body, CALL])}",
        st.lists(st.builds("({}, {})".format, constants, constants), min_size=1, max_size=3),
        st.lists(st.builds("dropout = {} if r > {} else alpha".format, constants, constants),
                 max_size=1),
    ),
    st.builds(
        lambda calls: "\n".join(
            [f"def make(r, alpha, dropout):\n    {CALL}", *(f"make({call})" for call in calls)]
        ),
        st.lists(arguments, min_size=1, max_size=3),
    ),
    st.builds(
        lambda test, one, other: "\n".join(
            [
                f"def make(r, alpha, dropout):\n    {CALL}",
                branch(test, [f"make({one})"], [f"make({other})"]),
            ]
        ),
        tests,
        arguments,
        arguments,
    ),
)  # fmt: skip
programs = st.builds(
    lambda body, end: START + "\n".join([*body, end]), st.lists(branches, max_size=3), ends
)


class Outcomes:
    """The outcomes of the tests of one run; what is asked beyond them comes out false."""

    def __init__(self, given: list[bool]) -> None:
        self.taken: list[bool] = []
        self._given = given

    def ask(self) -> bool:
        number = len(self.taken)
        self.taken.append(self._given[number] if number < len(self._given) else False)
        return self.taken[-1]


def every_run(program: str) -> set[tuple[object, ...]]:
    """What ``LoraConfig`` is given in every run of a program of this file's own making."""
    recorded: set[tuple[object, ...]] = set()
    code = compile(program, "program", "exec")
    for flags in ((x, y) for x in (False, True) for y in (False, True)):
        for outcomes in _paths():
            environment = {
                "LoraConfig": lambda **given: recorded.add(tuple(given.values())),
                "f0": flags[0],
                "f1": flags[1],
                "ask": outcomes.ask,
            }
            exec(code, environment)  # noqa: S102 (generated above)
    return recorded


def _paths() -> Iterator[Outcomes]:
    pending: list[list[bool]] = [[]]
    while pending:
        given_outcomes = pending.pop()
        outcomes = Outcomes(given_outcomes)
        yield outcomes
        taken = outcomes.taken
        pending += [[*taken[:at], True] for at in range(len(given_outcomes), len(taken))]


@settings(max_examples=100, deadline=None)
@given(programs)
def test_the_worlds_are_the_runs(program: str) -> None:
    runs = every_run(program)
    found: set[tuple[object, ...]] = set()
    for recipe in recipes_of(program):
        found |= worlds(recipe, "r", "lora_alpha", "lora_dropout")
    assert runs <= found
    if len(re.findall(r"\b(if|else)\b|ask", program)) <= MANY_BRANCHES:
        assert found == runs
