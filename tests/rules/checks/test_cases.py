"""The cases of ``tests/cases``, each rule's findings and silences as data."""

from __future__ import annotations

from pathlib import Path

import pytest

from case_files import FOLDER, CaseError, Placed, all_cases, cases_in
from case_runner import complaints
from lora_rules.engine.registry import all_rules

GOOD = "- name: a\n  yaml: 'x: 1'\n  silent: true\n"


@pytest.mark.parametrize("placed", list(all_cases()), ids=lambda placed: placed.id)
def test_a_case(placed: Placed, tmp_path: Path) -> None:
    said = complaints(placed, tmp_path)
    assert not said, "\n".join(said)


def test_each_file_is_named_by_the_code_of_a_rule() -> None:
    assert {path.stem.upper() for path in FOLDER.glob("*")} <= set(all_rules())
    assert all(path.name == path.name.lower() for path in FOLDER.glob("*"))


def written(text: str, folder: Path) -> Path:
    path = folder / "ll102.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\n", "ll102.yaml: holds no list of cases"),
        (GOOD + "- name: b\n  yaml: x\n  slient: true\n", "ll102.yaml:4: b: .*slient: Extra"),
        ("- name: b\n  yaml: x\n", "ll102.yaml:1: b: .*expects nothing"),
        ("- name: b\n  silent: true\n", "ll102.yaml:1: b: .*needs one of yaml, python"),
        (GOOD.replace("yaml:", "python: y\n  yaml:"), "ll102.yaml:1: a: .*needs one of"),
        (GOOD + "  silent: false\n", "ll102.yaml:4: 'silent' is written twice"),
        (GOOD + GOOD, "ll102.yaml:4: 'a' stands at 1, too"),
        (GOOD.replace("silent: true", "reports: [{sevrity: info}]"), "reports.0.sevrity: Extra"),
        (GOOD.replace("silent: true", "reports: [{severity: info}]"), "needs `at` or `line`"),
        (GOOD + "  reports: [{line: 1}]\n", "is silent, and reports"),
        ("- name: b\n  files: {a.py: x}\n  not: [LL1]\n  repaired: x\n", "not one of several"),
        ("- name: b\n  yaml: x\n  silent: yes please\n", "silent: Input should be a valid bool"),
    ],
)
def test_a_file_that_breaks_the_schema_is_refused(
    text: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(CaseError, match=complaint):
        list(cases_in(written(text, tmp_path)))


ALPHA = """\
- name: an alpha of sixteen times the rank
  python: |
    from peft import LoraConfig
    config = LoraConfig(r=8, lora_alpha=128)
  {expects}
"""


@pytest.mark.parametrize(
    ("expects", "complaint"),
    [
        ('reports: [{at: "128", severity: warning, message: [r =, "309"]}]', ""),
        ('reports: [{code: LL102, line: 2, at: "128"}]', ""),
        ('reports: [{at: "8"}]', "not reported: {'at': '8'}"),
        ('reports: [{at: "128", severity: error}]', "not reported"),
        ('reports: [{at: "128", possible: true}]', "not reported"),
        ('reports: [{at: "128", message: seven}]', "not reported"),
        ('reports: [{code: "LL102:key", at: "128"}]', "not reported"),
        ("silent: true", "reported: case.py:2: warning LL102 at '128'"),
        ("not: [LL102]", "reported: case.py:2: warning LL102"),
        ("not: [LL101]", ""),
        ('repaired: "from peft import LoraConfig\\nLoraConfig(r=8, lora_alpha=16)\\n"\n'
         '  reports: [{at: "128"}]', ""),
        ('repaired: "from peft import LoraConfig\\nLoraConfig(r=8, lora_alpha=64)\\n"\n'
         '  reports: [{at: "128"}]', "of the repaired twin is reported"),
        ('fix: {safe: ""}', "after the safe fixes:\nfrom peft"),
        ('fix: {unsafe: "from peft import LoraConfig\\n'
         'config = LoraConfig(r=8, lora_alpha=16)\\n"}', ""),
        ('settings: {rules: {LL102: {max: 16.0}}}\n  silent: true', ""),
    ],
)  # fmt: skip
def test_the_runner_sees_every_difference(expects: str, complaint: str, tmp_path: Path) -> None:
    (placed,) = cases_in(written(ALPHA.replace("{expects}", expects), tmp_path))
    said = complaints(placed, tmp_path)
    assert (complaint in "\n".join(said)) if complaint else not said
    assert all(line.startswith("ll102.yaml:1: an alpha of sixteen") for line in said)
