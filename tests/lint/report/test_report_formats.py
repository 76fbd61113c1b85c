"""The formats for programs: their golden files, and what each promises."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given

from lora_lint.engine.result import RunResult
from lora_lint.report import FORMATS, ReportOptions, github, gitlab, junit, sarif, terminal, write
from lora_lint.report import json as report_json
from lora_lint.report.fingerprint import fingerprints
from lora_lint.report.jsonable import jsonable
from lora_lint.report.location import relative
from lora_rules.recipe import Span
from report_samples import CLEAN, RATIO, RESULT, YAML_FILE, golden
from report_strategies import reports, values

OPTIONS = ReportOptions(rules=(RATIO,))
SCHEMAS = Path(__file__).parent.parent.parent / "data"


def sarif_schemas() -> list[dict]:
    """Ours, of the parts that we write; and the official one where ``SARIF_SCHEMA`` names it."""
    paths = [SCHEMAS / "sarif-used.schema.json"]
    if official := os.environ.get("SARIF_SCHEMA"):
        paths.append(Path(official))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("report.json", report_json),
        ("report.sarif", sarif),
        ("report-github.txt", github),
        ("report-gitlab.json", gitlab),
        ("report-junit.xml", junit),
    ],
)
def test_a_format_is_as_it_was(name, module):
    golden(name, module.render(RESULT, OPTIONS))


def test_every_format_can_be_written(capsys):
    import io

    for form in FORMATS:
        stream = io.StringIO()
        write(form, CLEAN, OPTIONS, stream)
        assert stream.getvalue() or form == "github"
    with pytest.raises(ValueError, match="no such format"):
        write("pdf", CLEAN, OPTIONS, io.StringIO())


@given(reports)
def test_json_keeps_everything(report):
    read = json.loads(report_json.render(RunResult((report,)), OPTIONS))
    assert read["version"] == 2
    assert len(read["findings"]) == len(report.findings)
    told = {(f["message"], f["line"], f["cell"], f["suppressed"]) for f in read["findings"]}
    assert told == {(f.message, f.span.line, f.span.cell, f.suppressed) for f in report.findings}


@given(reports)
def test_sarif_is_valid(report):
    log = json.loads(sarif.render(RunResult((report,)), OPTIONS))
    for schema in sarif_schemas():
        jsonschema.validate(log, schema)


def test_the_sample_is_valid_sarif():
    log = json.loads(sarif.render(RESULT, OPTIONS))
    for schema in sarif_schemas():
        jsonschema.validate(log, schema)
    results = log["runs"][0]["results"]
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in results)
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is False


@given(reports)
def test_junit_is_xml_that_counts_right(report):
    root = ET.fromstring(junit.render(RunResult((report,)), OPTIONS).encode())  # noqa: S314
    told = [finding for finding in report.findings if finding.suppressed is None]
    assert root.get("failures") == str(len(told)) == str(len(list(root.iter("failure"))))


@given(reports)
def test_github_is_a_line_a_finding(report):
    result = RunResult((report,))
    lines = github.render(result, OPTIONS).splitlines()
    whole = [line for line in lines if line.startswith("::")]
    assert len(whole) >= len(result.findings)


def test_github_escapes():
    line = github._command("error", {"file": "a,b:c%\x1b.py"}, "100%\nnext: a, b")
    assert line == "::error file=a%2Cb%3Ac%25\N{SYMBOL FOR ESCAPE}.py::100%25%0Anext: a, b"


def moved(result: RunResult, by: int) -> RunResult:
    def push(span: Span) -> Span:
        return span._replace(line=span.line + by, end_line=span.end_line + by)

    reports = tuple(
        report._replace(
            lines=("",) * by + report.lines,
            findings=tuple(f._replace(span=push(f.span)) for f in report.findings),
        )
        for report in result.reports
    )
    return RunResult(reports)


def test_fingerprints_stay_when_lines_move_and_differ_among_findings():
    result = RunResult((YAML_FILE,))
    before = [print_ for _, print_ in fingerprints(result)]
    assert before == [print_ for _, print_ in fingerprints(moved(result, 5))]
    twice = YAML_FILE._replace(findings=(*YAML_FILE.findings, YAML_FILE.findings[0]))
    prints = [print_ for _, print_ in fingerprints(RunResult((twice,)))]
    assert len(set(prints)) == len(prints) == 4


def test_paths_are_named_from_the_repository(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert relative("./x y.yaml", "") == "x y.yaml"
    assert relative("x.yaml", str(tmp_path)) == "sub/x.yaml"
    assert relative(str(tmp_path / "a.yaml"), str(tmp_path)) == "a.yaml"
    assert relative("/elsewhere/a.yaml", str(tmp_path)) == "/elsewhere/a.yaml"
    assert sarif._artifact("x y#.yaml", "") == {"uri": "x%20y%23.yaml", "uriBaseId": "%SRCROOT%"}


@given(values)
def test_any_value_fits_json(value):
    json.dumps(jsonable(value), allow_nan=False)


def test_what_json_lacks_is_told_in_python():
    assert jsonable(float("nan")) == {"repr": "nan"}
    assert jsonable(b"\xff") == {"repr": "b'\\xff'"}
    assert jsonable({1: {"b", "a"}}) == {"1": ["a", "b"]}
    assert jsonable(10**9999) == {"repr": "<an integer of 33216 bits>"}
    loop: list[object] = []
    loop.append(loop)
    json.dumps(jsonable(loop))


def test_width_counts_columns():
    assert [terminal.width(text) for text in ("abc", "名前", "e\u0301", "")] == [3, 4, 1, 0]
