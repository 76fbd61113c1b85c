from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.engine.finding import FileReport, Finding
from lora_lint.engine.result import RunResult
from lora_lint.report import ReportOptions, terminal, write
from lora_lint.report.snippet import picture
from lora_lint.report.text import render
from lora_rules.engine.problem import Severity
from lora_rules.recipe import Span
from report_samples import CLEAN, RESULT, golden
from report_strategies import Terminal, reports


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("text.txt", ReportOptions()),
        ("text-quiet.txt", ReportOptions(quiet=True)),
        ("text-verbose.txt", ReportOptions(verbose=True, hidden=3)),
        ("text-statistics.txt", ReportOptions(statistics=True)),
    ],
)
def test_text_is_as_it_was(name, options):
    golden(name, render(RESULT, options))


def test_a_clean_run_says_so_in_a_line():
    assert render(CLEAN, ReportOptions()) == "All clear: 11 recipes, 4 files looked at.\n"
    assert render(CLEAN, ReportOptions(quiet=True)) == ""
    assert render(RunResult(looked_at=2), ReportOptions()) == "No LoRA recipe in 2 files.\n"
    assert render(RunResult(), ReportOptions()) == "No files to look at.\n"


def test_colour_only_on_a_terminal(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for options in (ReportOptions(), ReportOptions(quiet=True)):
        plain, coloured = io.StringIO(), Terminal()
        write("text", RESULT, options, plain)
        write("text", RESULT, options, coloured)
        assert "\x1b" not in plain.getvalue()
        assert "\x1b[1;31m" in coloured.getvalue()
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured.getvalue()) == plain.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    monochrome = Terminal()
    write("text", RESULT, ReportOptions(), monochrome)
    assert "\x1b[1;31m" not in monochrome.getvalue()
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.on_terminal(Terminal())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert terminal.on_terminal(io.StringIO())


def test_a_pipe_never_pays_for_rich():
    code = (
        "import sys, io; from lora_lint.report import *\n"
        "from lora_lint.engine.result import RunResult\n"
        "write('text', RunResult(), ReportOptions(), io.StringIO())\n"
        "print([m for m in ('rich', 'json', 'pydantic', 'yaml', 'libcst') if m in sys.modules])"
    )
    environ = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ)
    assert done.stdout == "[]\n", done.stderr


def test_what_the_encoding_lacks_is_escaped():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="")
    write("text", RESULT, ReportOptions(), stream)
    stream.flush()
    assert b"\\u7f29" in raw.getvalue()


def test_control_characters_in_a_file_do_not_act():
    line = "r: 8 \x1b[31m\x07\u202e\x9b"
    finding = Finding("a\x1b.yaml", "LL1", "x", Severity.ERROR, "m\x1b]0;t\x07", Span(1, 4, 1, 5))
    result = RunResult((FileReport("a\x1b.yaml", (finding,), (line,)),))
    text = render(result, ReportOptions())
    assert all(char == "\n" or char.isprintable() or char == "\ufffd" for char in text)


def _line(draw_alphabet: str) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(draw_alphabet), max_size=160)


@given(
    _line("ab \t名é́🙂\x1b\u202e"), st.integers(-3, 200), st.integers(-3, 200), st.integers(0, 90)
)
def test_marks_stand_under_the_stretch(line, start, length, pad):
    line = "x" * pad + line
    shown = picture(line, start, start + length)
    assert shown.marks >= 1
    assert terminal.width(shown.text) <= 2 * 100 + 12
    first = min(max(start - 1, 0), len(line))
    stretch = line[first : min(max(start - 1 + length, first), len(line))]
    # The text from the marks on begins with what the stretch begins with.
    column, rest = 0, ""
    for index, char in enumerate(shown.text):
        if column == shown.offset and terminal.width(char):
            rest = shown.text[index:]
            break
        column += terminal.width(char)
    clean = stretch.lstrip("\u0301")
    if clean and clean[0] != "\t" and stretch == clean:
        assert rest.startswith(terminal.safe(clean[0])), (shown, stretch)


def test_a_very_long_line_is_a_window():
    line = '{"cells": "' + "x" * 50_000 + "r=8 alpha" + "y" * 50_000 + '"}'
    shown = picture(line, line.index("r=8") + 1, line.index("r=8") + 4)
    assert len(shown.text) <= 110
    assert shown.text[shown.offset : shown.offset + shown.marks] == "r=8"
    assert shown.text.startswith("...")
    assert shown.text.endswith("...")


@given(reports, st.booleans(), st.booleans(), st.booleans())
def test_any_report_can_be_told(report, quiet, verbose, statistics):
    result = RunResult((report,))
    text = render(result, ReportOptions(quiet, verbose, statistics))
    assert all(char == "\n" or ord(char) >= 32 for char in text)
    if quiet and not statistics and not verbose:
        assert len(text.splitlines()) == len(result.findings)
