"""What holds for any input: nothing raises, and knowing less never tells more."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.sources.source import KINDS, Source
from pages import examples, lint

LOOSE = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@LOOSE
@given(st.sampled_from(sorted(set(KINDS.values()))), st.binary(max_size=300))
@example("yaml", b"lora_r: 0x" + b"f" * 5000)
@example("python", b"from peft import LoraConfig\nLoraConfig(r=" + b"9" * 5000 + b")")
@example("json", b"[" * 100_000)
@example("yaml", b"[" * 100_000)
@example("python", b"(" * 100_000)
@example("notebook", b'{"cells": [{"cell_type": "code", "source": 5}]}')
@example("notebook", b'{"cells": 5}')
@example("json", b'{"lora_r": 1e999, "lora_alpha": NaN}')
def test_arbitrary_bytes_never_raise(kind: str, data: bytes) -> None:
    check(Source("x", kind, data), Config(), {})
    check(Source("x", kind, b"lora-lint: lora_r: 8\nlora_alpha: 16\n" + data), Config(), {})


YAML_VALUES = st.sampled_from(
    ["0", "-1", "8", "64", "1000000", "2e-4", "null", "true", "'x'", "[1, 2]", "{a: 1}", ".nan"]
)
KEYS = [
    "base_model", "datasets", "adapter", "lora_r", "lora_alpha", "lora_dropout",
    "lora_target_modules", "lora_target_linear", "load_in_4bit", "bf16", "fp16", "learning_rate",
]  # fmt: skip


@LOOSE
@given(st.dictionaries(st.sampled_from(KEYS), YAML_VALUES, min_size=2))
def test_no_value_in_the_place_of_another_raises(values: dict[str, str]) -> None:
    text = "base_model: m\nadapter: lora\ndatasets: []\n"
    text += "".join(f"{key}: {value}\n" for key, value in values.items() if key not in text)
    check(Source("x.yaml", "yaml", text.encode()), Config(), {"gpu": "T4"})


PYTHON_EXAMPLES = [e for e in examples("Bad") + examples("Good") if e.language == "python"]


@pytest.mark.parametrize("case", PYTHON_EXAMPLES, ids=lambda case: case.id)
def test_a_literal_replaced_by_an_unknown_name_never_adds_a_finding(case) -> None:
    text = case.without_marks if case.section == "Bad" else case.text
    before = {(f.code, f.span.line) for f in lint(text, "python")}
    for literal in _literals(text):
        less = text[: literal[0]] + "unknown_name" + text[literal[1] :]
        after = {(f.code, f.span.line) for f in lint(less, "python")}
        # A suppression that is used no more may say so; that is about the comment.
        assert {found for found in after if found[0] != "LL090"} <= before, less


def _literals(text: str) -> list[tuple[int, int]]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return [
        (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        for node in ast.walk(keyword.value)
        if isinstance(node, ast.Constant)
    ]


@LOOSE
@given(st.lists(st.text(max_size=40), max_size=5))
def test_arbitrary_cells_never_raise(sources: list[str]) -> None:
    cells = [{"cell_type": "code", "source": source} for source in sources]
    cells.append({"cell_type": "code", "source": "from peft import LoraConfig\nLoraConfig(r=0)"})
    data = json.dumps({"cells": cells, "nbformat": 4}).encode()
    report = check(Source("x.ipynb", "notebook", data), Config(), {})
    if not any("LoraConfig" in source for source in sources):
        assert "LL002" in {finding.code for finding in report.findings}
