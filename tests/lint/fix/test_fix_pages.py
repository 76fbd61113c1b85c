"""What a fix promises, held over every bad example of every rule, in every kind of file."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
import yaml

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.rule_examples import ENDINGS
from lora_lint.fix.engine import fix, is_safe
from lora_lint.read.comments import comments
from lora_lint.read.dispatch import cells
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Severity
from lora_rules.engine.registry import all_rules
from pages import Example, examples

CONFIG = Config(min_severity="info")
BAD = examples("Bad")


def as_written(example: Example) -> Source:
    return Source(f"e.{ENDINGS[example.language]}", example.language, example.text.encode())


def with_carriage_returns(example: Example) -> Source:
    source = as_written(example)
    return source._replace(data=source.data.replace(b"\n", b"\r\n"))


def with_mark(example: Example) -> Source:
    source = as_written(example)
    return source._replace(data=b"\xef\xbb\xbf" + source.data)


def in_utf_16(example: Example) -> Source:
    source = as_written(example)
    return source._replace(data=b"\xff\xfe" + source.text.encode("utf-16-le"))


def without_last_newline(example: Example) -> Source:
    source = as_written(example)
    return source._replace(data=source.data.rstrip())


def as_notebook(example: Example) -> Source | None:
    if example.language != "python":
        return None
    lines = example.text.splitlines(keepends=True)
    markdown = {"cell_type": "markdown", "metadata": {}, "source": ["# Größe\n", "text"]}
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["%time x = 1\n", *lines]}
    text = json.dumps({"cells": [markdown, code], "nbformat": 4, "nbformat_minor": 5}, indent=1)
    return Source("e.ipynb", "notebook", text.encode())


def as_notebook_of_one_string(example: Example) -> Source | None:
    if example.language != "python":
        return None
    cell = {"cell_type": "code", "source": example.text}
    return Source("e.ipynb", "notebook", json.dumps({"cells": [cell]}).encode())


def as_json(example: Example) -> Source | None:
    if example.language != "yaml":
        return None
    root = yaml.safe_load(example.text)
    said = [c.text.lstrip("# ") for c in comments(example.text, "yaml") if "lora-lint" in c.text]
    if said:
        root = {"//": said[0], **root}
    return Source("e.json", "json", json.dumps(root, indent=2).encode())


FORMS: list[Callable[[Example], Source | None]] = [
    as_written,
    with_carriage_returns,
    with_mark,
    in_utf_16,
    without_last_newline,
    as_notebook,
    as_notebook_of_one_string,
    as_json,
]


def anything(finding: Finding) -> bool:
    return finding.certain


def counted(report: FileReport, least: Severity) -> Counter[str]:
    told = (f for f in report.findings if f.certain and f.suppressed is None)
    return Counter(finding.code for finding in told if finding.severity >= least)


def comments_of(source: Source) -> list[str]:
    if source.kind == "notebook":
        return [c.text for cell in cells(source.text) for c in comments(cell, "python")]
    return [comment.text for comment in comments(source.text, source.kind)]


@cache
def offers_edits(number: int) -> bool:
    """Whether any rule has edits for an example as it is written."""
    report = check(as_written(BAD[number]), CONFIG, {})
    return any(finding.edits for finding in report.findings)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("wanted", [is_safe, anything], ids=["safe", "all"])
@pytest.mark.parametrize("example", BAD, ids=lambda example: example.id)
def test_a_fix_keeps_its_promises(
    example: Example,
    wanted: Callable[[Finding], bool],
    form: Callable[[Example], Source | None],
) -> None:
    source = form(example) if offers_edits(BAD.index(example)) else None
    if source is None:
        return
    before = check(source, CONFIG, {})
    fixed = fix(source, CONFIG, {}, wanted)
    after = check(fixed.source, CONFIG, {})
    assert after.unreadable is None
    assert not counted(after, Severity.ERROR) - counted(before, Severity.ERROR)
    assert bool(fixed.applied) == (fixed.source.data != source.data)
    again = fix(fixed.source, CONFIG, {}, wanted)
    assert again.source.data == fixed.source.data
    assert comments_of(fixed.source) == comments_of(source)
    assert fixed.source.data[:3] == source.data[:3]
    carriage = fixed.source.data.count(b"\r\n")
    assert carriage in (0, fixed.source.data.count(b"\n"))
    if wanted is is_safe:
        assert not counted(after, Severity.WARNING) - counted(before, Severity.WARNING)
        left = {(f.code, f.span) for f in after.findings if f.edits and is_safe(f) and f.certain}
        assert left == {(f.code, f.span) for f, _why in fixed.refused}
    if source.kind == "python":
        ast.parse(fixed.source.text)


@pytest.mark.parametrize("code", list(all_rules()))
def test_a_rule_that_offers_edits_has_an_example_that_they_mend(code: str) -> None:
    offered = mended = 0
    for example in BAD:
        if example.rule.code != code:
            continue
        plain = example.without_marks.encode()  # a mark is a comment, which no fix takes along
        source = as_written(example)._replace(data=plain)
        found = [f for f in check(source, CONFIG, {}).findings if f.code == code and f.edits]
        offered += len(found)
        fixed = fix(source, CONFIG, {}, lambda finding: finding.code == code)
        mended += len(fixed.applied)
    assert mended or not offered


def test_examples_offer_fixes() -> None:
    """The properties above would hold if nothing were ever fixed."""
    mended = Counter(
        applied.finding.code
        for example in BAD
        for applied in fix(as_written(example), CONFIG, {}, anything).applied
    )
    assert len(mended) >= 15
    assert {"LL001", "LL002", "LL003", "LL004", "LL102", "LL201", "LL303", "LL402"} <= set(mended)
