"""Fixes on calls and files laid out in every way: only the value changes, whatever is around it."""

from __future__ import annotations

import ast
import re

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lora_lint.engine.config import Config
from lora_lint.fix.engine import fix
from lora_lint.read.comments import comments
from lora_lint.sources.source import Source

LOOSE = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
ONLY = Config(select=("LL002", "LL004", "LL101", "LL102", "LL302", "LL402"), min_severity="info")

BLANKS = st.sampled_from(["", " ", "  ", "\t", "\n    ", " # c\n  ", "\n\n # ü )\n"])
ARGUMENTS = {
    "r": ["8", "16"],
    "lora_alpha": ["800", "16", "0x400"],
    "lora_dropout": ["5", "0.5", "0.05"],
    "bias": ['"None"', "'none'", '"all"'],
    "target_modules": ['["all-linear"]', '"q_proj,v_proj"', "['q_proj']", '("all",)'],
    "task_type": ["'CAUSAL_LM'", '"CASUAL_LM"', "None"],
}


@st.composite
def calls(draw: st.DrawFn) -> str:
    names = draw(st.permutations(list(ARGUMENTS)))
    names = names[: draw(st.integers(2, len(names)))]
    pieces = []
    for name in names:
        value = draw(st.sampled_from(ARGUMENTS[name]))
        before, around, after = draw(BLANKS), draw(BLANKS), draw(BLANKS)
        pieces.append(f"{before}{name}{around}={around}{value}{after}")
    end = draw(st.sampled_from(["", ",", ", # end\n", "\n"]))
    call = f"LoraConfig({','.join(pieces)}{end})"
    text = f"from peft import LoraConfig\n\nif True:\n  é = 'ü'; c = {call}\n"
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def keywords(text: str) -> dict[str, object]:
    calls_there = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return {
        keyword.arg or "": ast.literal_eval(keyword.value) for keyword in calls_there[0].keywords
    }


def bare(text: str) -> str:
    """The text with the values of the call left out."""
    values = r"(=\s*(?:#[^\n]*\n\s*)*)(\"[^\"]*\"|'[^']*'|\[[^\]]*\]|\([^)#]*\)|[\w.+-]+)"
    return re.sub(values, r"\1_", text[text.index("LoraConfig(") :])


@LOOSE
@given(calls())
def test_a_call_changes_in_its_values_only(text: str) -> None:
    source = Source("a.py", "python", text.encode())
    fixed = fix(source, ONLY, {}, lambda finding: finding.certain)
    after = fixed.source.data.decode()
    assert keywords(after).keys() == keywords(text).keys()
    assert [c.text for c in comments(after, "python")] == [c.text for c in comments(text, "python")]
    assert bare(after) == bare(text)
    assert bool(fixed.applied) == (after != text)
    assert fix(fixed.source, ONLY, {}, lambda finding: finding.certain).source == fixed.source


YAML = {
    "lora_r": ["8", "0x10", "'16'"],
    "lora_alpha": ["800", '"16"', "1.6e3", "&a 999"],
    "lora_dropout": ["5", "0.5", ".05"],
    "lora_target_modules": ["[all-linear]", "\n  - all-linear", "q_proj,v_proj", "\n- a\n- 'b'"],
    "learning_rate": ["1e-4", "0.0002", "2.0e-4", "null", ""],
}


@st.composite
def files(draw: st.DrawFn) -> str:
    lines = ["base_model: m # größe", "datasets: [{path: d}]", "adapter: lora"]
    for name in draw(st.permutations(list(YAML))):
        value = draw(st.sampled_from(YAML[name]))
        comment = "" if "\n" in value else draw(st.sampled_from(["", " # c", "   # 'c: ü"]))
        quoted = draw(st.sampled_from([name, f'"{name}"', f"'{name}'"]))
        lines.append(f"{quoted}:{draw(st.sampled_from([' ', '  ']))}{value}{comment}")
        lines += draw(st.sampled_from([[], [""], ["# a line", ""]]))
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@LOOSE
@given(files(), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_a_file_changes_in_its_values_only(text: str, mark: bytes) -> None:
    source = Source("a.yaml", "yaml", mark + text.encode())
    fixed = fix(source, ONLY, {}, lambda finding: finding.certain)
    after = fixed.source.text
    assert fixed.source.data.startswith(mark)
    assert [c.text for c in comments(after, "yaml")] == [c.text for c in comments(text, "yaml")]
    old, new = yaml.safe_load(text), yaml.safe_load(after)
    assert list(old) == list(new)
    touched = {name for name in old if old[name] != new[name]}
    assert touched <= set(YAML)
    assert bool(fixed.applied) == bool(touched)
    if "\r" in text:
        assert after.count("\n") == after.count("\r\n")
    assert fix(fixed.source, ONLY, {}, lambda finding: finding.certain).source == fixed.source
