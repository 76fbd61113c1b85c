from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.read.comments import comments
from lora_lint.read.directives import Directive, parse
from lora_lint.sources.source import KINDS

ANY_KIND = st.sampled_from(sorted({*KINDS.values(), "other"}))


def one(text: str, kind: str = "yaml") -> Directive:
    (directive,) = parse(text, kind)
    return directive


@pytest.mark.parametrize(
    ("said", "kind", "rules", "reason"),
    [
        ("ignore", "ignore", (), ""),
        ("ignore[LL102]", "ignore", ("LL102",), ""),
        ("ignore[LL102, dropout-at-tiny-rank] see #12", "ignore",
         ("LL102", "dropout-at-tiny-rank"), "see #12"),
        ("ignore [ LL102 , ]: because", "ignore", ("LL102",), "because"),
        ("ignore -- all of it", "ignore", (), "all of it"),
        ("ignore-file[LL1] distilled", "ignore-file", ("LL1",), "distilled"),
        ("ignore-file", "ignore-file", (), ""),
    ],
)  # fmt: skip
def test_what_to_ignore(said, kind, rules, reason):
    directive = one(f"r: 8  # lora-lint: {said}")
    assert (directive.kind, directive.rules, directive.reason) == (kind, rules, reason)
    assert directive.applies_to == (1 if kind == "ignore" else None)
    assert not directive.alone


def test_declarations():
    said = parse("# lora-lint: gpu=RTX 4090; train_rows = 1_000;model='a/b'  # ours", "python")
    assert [(each.kind, each.key, each.value) for each in said] == [
        ("declare", "gpu", "RTX 4090"),
        ("declare", "train-rows", "1000"),
        ("declare", "model", "a/b"),
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ignore[]", "names no rule"),
        ("ignore[LL102", "never closed"),
        ("ignore[LL 102]", "cannot be a rule's code"),
        ("ignore LL102", "needs brackets: ignore[LL102]"),
        ("ignore=LL102", "cannot be declared"),
        ("ignore(LL102)", "needs brackets"),
        ("disable[LL102]", "not a word of lora-lint"),
        ("", "not a word of lora-lint"),
        ("gqu=A100", "did you mean gpu?"),
        ("gpu=", "no value"),
        ("gpu-count=two", "whole number"),
        ("train-rows=0", "whole number"),
        ("gpu=A100; nonsense", "lacks a `=`"),
    ],
)
def test_what_is_malformed_is_told(said, told):
    directive = parse(f"r: 8\n# lora-lint: {said}\n", "yaml")[-1]
    assert directive.kind == "malformed"
    assert told in directive.reason
    assert directive.span.line == 2


def test_a_comment_on_its_own_line_speaks_of_the_next_code():
    directive = one("# lora-lint: ignore\n\n# more words\nlora_r: 8\n")
    assert (directive.applies_to, directive.alone) == (4, True)
    assert one("r: 8\n# lora-lint: ignore").applies_to is None


def test_the_span_is_exact():
    line = "名: 1  # why  # lora-lint: ignore[LL102] x  "
    span = one(line).span
    assert line[span.column - 1 : span.end_column - 1] == "lora-lint: ignore[LL102] x"


PYTHON = '''\
"""# lora-lint: ignore in a docstring"""
s = "# lora-lint: ignore"
f = f"{s}# lora-lint: ignore"
c = LoraConfig(  # lora-lint: ignore[LL102] first line
    r=8,
    # lora-lint: ignore[LL301]
    lora_dropout=0.1,
)
'''


def test_python_comments_are_real_ones():
    found = parse(PYTHON, "python")
    assert [(each.span.line, each.applies_to) for each in found] == [(4, 4), (6, 7)]


def test_python_that_does_not_parse_still_has_comments():
    text = "x = (\n# lora-lint: ignore\n%pip install y\ns = '# no' # lora-lint: gpu=A100\n" + "'''"
    assert [each.kind for each in parse(text, "python")] == ["ignore", "declare"]


YAML = """\
plain: it's # lora-lint: gpu=1
single: 'a # lora-lint: gpu=X
  it''s # lora-lint: gpu=X'
double: "a \\" # lora-lint: gpu=X" # lora-lint: gpu=2
url: a#b # lora-lint: gpu=3
text: |
  # lora-lint: gpu=X

  # lora-lint: gpu=X
# lora-lint: gpu=4
list:
- key: >-
    # lora-lint: gpu=X
  other: 1  # lora-lint: gpu=5
- |
  # lora-lint: gpu=X
- [a, "b # lora-lint: gpu=X"] # lora-lint: gpu=6
- a | # lora-lint: gpu=7
"quoted": |2 # lora-lint: gpu=8
   # lora-lint: gpu=X
--- |
# lora-lint: gpu=X
---
end: {a: 'b'} # lora-lint: gpu=9
"""


def test_yaml_comments_are_real_ones():
    assert [each.value for each in parse(YAML, "yaml")] == list("123456789")


SHELL = """\
echo "# lora-lint: gpu=X" # lora-lint: gpu=1
echo '
# lora-lint: gpu=X
' $# ${#a} a#b
cat > x.yaml <<-'EOF'
  # lora-lint: gpu=X
  EOF
cat <<< word # lora-lint: gpu=2
x=$((1 << shift)) # lora-lint: gpu=3
python train.py \\
  --r 8 # lora-lint: gpu=4
echo it\\'s # lora-lint: gpu=5
"""


def test_shell_comments_are_real_ones():
    assert [each.value for each in parse(SHELL, "shell")] == list("12345")


JSON = """\
{
  "//": "lora-lint: gpu=RTX 4090",
  "text": "\\"//\\": \\"lora-lint: gpu=X\\"",
  "_comment": "lora-lint: ignore[LL102] \\u540d",
  "r": 8, "$comment": "lora-lint: ignore[LL301]",
  "other": "lora-lint: gpu=X"
}
"""


def test_json_members_can_speak():
    gpu, above, beside = parse(JSON, "json")
    assert (gpu.value, gpu.span.line, gpu.alone) == ("RTX 4090", 2, True)
    assert (above.applies_to, above.reason) == (5, "名")
    assert (beside.applies_to, beside.alone) == (5, False)


def test_notebooks_cell_by_cell():
    book = {
        "cells": [
            {"cell_type": "markdown", "source": "# lora-lint: ignore"},
            {"cell_type": "code", "source": ["x = 1\n", "!pip # lora-lint: gpu=A\n"]},
            {"cell_type": "code", "source": "%%bash\necho '# lora-lint: no' # lora-lint: ignore"},
        ]
    }
    found = parse(json.dumps(book), "notebook")
    assert [(each.span.cell, each.span.line) for each in found] == [(2, 2), (3, 2)]
    assert parse("lora-lint: {", "notebook") == ()


def test_nothing_to_say_is_said_quickly():
    assert parse("r: 8  # a comment\n" * 10, "yaml") == ()


BITS = st.sampled_from(
    ["# lora-lint:", " lora-lint: ", "ignore", "[", "]", "LL102", ",", "gpu=", ";", "\n", "\r\n",
     "'", '"', "'''", '"""', "\\", "|", ">", "- ", ": ", "  ", "<<EOF", "EOF", "{", "}", "(", "名",
     '"//": "', "\x00", "\x0c", "\u2028", "\ud800", "f'", "%%bash", "1e5"]
)  # fmt: skip
TEXTS = st.text() | st.lists(BITS, max_size=30).map("".join)


@given(TEXTS, ANY_KIND, st.none() | st.just(2))
def test_no_text_raises(text, kind, cell):
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for directive in parse("# lora-lint: ignore\n" + text, kind, cell):
        assert directive.kind != "malformed" or directive.reason
        assert directive.span.line <= len(lines) + 1
        assert directive.applies_to is None or directive.applies_to <= len(lines) + 1


@given(TEXTS, ANY_KIND)
def test_a_comment_begins_with_its_mark(text, kind):
    for comment in comments(text, kind):
        assert comment.text.startswith("#")


@pytest.mark.parametrize("kind", ["python", "yaml", "json", "shell"])
@pytest.mark.parametrize("text", ['\'"\\"', '"//": "\\"', '\\"', "a: ", "- ", "<<A ", "f'{"])
def test_a_long_odd_line_is_read_without_going_over_it_again_and_again(text, kind):
    parse("# lora-lint: ignore\n" + text * (60_000 // len(text)), kind)
