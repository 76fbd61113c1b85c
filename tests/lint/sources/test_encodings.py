"""Files in other encodings, files that are none, and files that are broken further down."""

from __future__ import annotations

import codecs
import json
import os
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_lint.sources.discover import LARGEST
from lora_lint.sources.source import NotText, Source, concerns_lora, mentions_lora

PYTHON = """\
# -*- coding: latin-1 -*-
# café
from peft import LoraConfig

c = LoraConfig(r=8, lora_alpha=16, lora_dropout=1.0)  # é
"""
YAML = """\
base_model: meta-llama/Llama-3.1-8B
adapter: lora
lora_r: 8
lora_alpha: 16
lora_target_linear: true
lora_dropout: 1.0  # é
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(capsys: pytest.CaptureFixture, *arguments: str) -> tuple[int, str]:
    code = main([*arguments])
    return code, capsys.readouterr().out


# Encodings


def test_python_in_the_encoding_that_it_declares(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "a.py").write_bytes(PYTHON.encode("latin-1"))
    code, told = lint(capsys, "a.py")
    assert code == 1
    assert "a.py:5:49: error: LL302" in told
    assert "# é" in told


def test_a_fix_keeps_a_declared_encoding(here: Path) -> None:
    (here / "a.py").write_bytes(PYTHON.encode("latin-1"))
    assert main(["--fix", "--unsafe-fixes", "a.py"]) == 0
    assert (here / "a.py").read_bytes() == PYTHON.replace("1.0", "0.05").encode("latin-1")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PYTHON.replace("latin-1", "no-such").encode("latin-1"), "'no-such' text"),
        (PYTHON.replace("latin-1", "rot13").encode("latin-1"), "'rot13' text"),
        (PYTHON.replace("coding", "").encode("latin-1"), "is not UTF-8 text (byte 2"),
        (PYTHON.replace("latin-1", "ascii").encode("latin-1"), "is not ASCII text"),
    ],
)
def test_a_named_file_that_is_no_text_is_trouble(
    here: Path, capsys: pytest.CaptureFixture, data: bytes, said: str
) -> None:
    (here / "a.py").write_bytes(data)
    code, told = lint(capsys, "a.py")
    assert (code, said in told) == (2, True)


MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


@pytest.mark.parametrize("encoding", MARKS)
def test_utf_16_with_a_mark_is_read_and_kept(
    here: Path, capsys: pytest.CaptureFixture, encoding: str
) -> None:
    def encoded(text: str) -> bytes:
        return MARKS[encoding] + text.encode(encoding)

    (here / "a.yaml").write_bytes(encoded(YAML))
    recipe = json.dumps({"lora_r": 8, "lora_alpha": 16, "lora_dropout": 1.0})
    (here / "a.json").write_bytes(encoded(recipe))
    code, told = lint(capsys, ".")
    assert code == 1
    assert "a.yaml:6:15: error: LL302" in told
    assert "a.json:1:" in told
    assert main(["--fix", "--unsafe-fixes", "a.yaml"]) == 0
    assert (here / "a.yaml").read_bytes() == encoded(YAML.replace("1.0", "0.05"))


def test_a_cookie_counts_in_the_first_two_lines_alone() -> None:
    late = b"x = 1\n# coding: latin-1\n# \xe9\n"
    with pytest.raises(NotText):
        Source("a.py", "python", late).text  # noqa: B018
    assert Source("a.py", "python", b"#!/bin/x\n" + late[6:]).text.endswith("é\n")
    with pytest.raises(NotText):
        Source("a.yaml", "yaml", late[6:]).text  # noqa: B018


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [
        ("take Florastor", False),
        ("the flora of Colorado", False),
        ("Valorant", False),
        ("perchlorate", False),
        ("Lorazepam", False),
        ("a flora, and lora_r", True),
        ("QLoRA", True),
        ("peft", True),
        ("networkslora", True),
    ],
)
def test_what_counts_as_a_mention_of_lora(text: str, *, mentioned: bool) -> None:
    assert mentions_lora(text.encode()) is mentioned
    assert mentions_lora(text.encode("utf-16")) is mentioned


# Data


@pytest.mark.parametrize("word", ["Florastor", "lora"])
@pytest.mark.parametrize("between", ["\n", "\n\n", ",\n"])
def test_json_lines_are_data(
    here: Path, capsys: pytest.CaptureFixture, word: str, between: str
) -> None:
    (here / "a.json").write_text(f'{{"text": "{word}"}}{between}{{"text": "x"}}\n')
    code, told = lint(capsys, "a.json")
    assert code == 0
    assert "error" not in told
    assert ("are data" in told) == (word == "lora")
    (here / "b.json").write_text("{}")
    assert "are data" not in lint(capsys, ".")[1]


def test_two_values_on_a_line_are_a_broken_file(here: Path) -> None:
    (here / "a.json").write_text('{"lora_r": 8} {"lora_r": 8}')
    assert main(["a.json"]) == 2


def test_a_named_file_of_data_is_told_as_such(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "a.json").write_text('{"lora_r": "' + "x" * 2_000_000 + '"}')
    code, told = lint(capsys, "a.json")
    assert code == 0
    assert "a.json: warning: its 2000014 bytes are data" in told
    (here / "b.json").write_text("{}")
    assert "bytes are data" not in lint(capsys, ".")[1]


# What is no file to read


def odd(here: Path, what: str) -> str:
    path = here / "odd.yaml"
    if what == "a device":
        return os.devnull
    if what == "a FIFO":
        os.mkfifo(path)
    elif what == "a link to a folder":
        (here / "folder").mkdir()
        path.symlink_to(here / "folder")
    elif what == "64 MiB":
        with path.open("wb") as file:
            file.truncate(LARGEST + 1)
    else:
        path = here / "odd.ipynb"
        path.write_text("LoraConfig(")
    return path.name


@pytest.mark.parametrize("what", ["a device", "a FIFO", "64 MiB", "not JSON"])
def test_a_named_file_that_is_not_read_is_trouble(
    here: Path, capsys: pytest.CaptureFixture, what: str
) -> None:
    name = odd(here, what)
    code, told = lint(capsys, name)
    assert code == 2
    assert f"{name}: error: " in told
    assert what in told
    code, told = lint(capsys, "--force-exclude", name)
    assert code == 0
    assert f"{name}: warning: " in told
    assert what in told


@pytest.mark.parametrize("what", ["a FIFO", "a link to a folder", "64 MiB"])
def test_one_in_a_folder_is_passed_over(
    here: Path, capsys: pytest.CaptureFixture, what: str
) -> None:
    odd(here, what)
    code, told = lint(capsys, ".")
    assert (code, told) == (0, "no LoRA configuration found (1 file looked at)\n")
    code, told = lint(capsys, "-v", ".")
    assert code == 0
    assert what in told


def test_force_exclude_in_the_settings_is_that_of_the_hook(here: Path) -> None:
    (here / "lora-lint.toml").write_text("force-exclude = true\n")
    assert main([odd(here, "64 MiB")]) == 0


# What is broken further down


def test_python_is_read_up_to_the_statement_that_is_wrong(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / "a.py").write_text(
        "from peft import LoraConfig\nc = LoraConfig(r=8, lora_alpha=16, lora_dropout=1.0)\n\n"
        "@wrapped\ndef f(\n    x=1,\n):\n    return (\n\nd = LoraConfig(r=0)\n"
    )
    code, told = lint(capsys, "a.py")
    assert code == 2
    assert "a.py: error: not Python: '(' was never closed (line 8, column 12)" in told
    assert "only what comes before that was checked" in told
    assert "a.py:2:49: error: LL302" in told
    assert "LL101" not in told
    code, told = lint(capsys, ".")
    assert code == 1
    assert "a.py: warning: not Python" in told
    assert "fix" not in told
    assert main(["show", "a.py"]) == 2
    assert "lora_dropout" in capsys.readouterr().out


def test_rules_that_need_the_whole_program_do_not_run_on_half_of_it(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    half = (
        "from peft import LoraConfig, get_peft_model\n"
        "from transformers import AutoModelForCausalLM\n"
        "model = AutoModelForCausalLM.from_pretrained('x/y')\nc = LoraConfig(r=8, lora_alpha=16)\n"
        "model = get_peft_model(model, c)\n"
    )
    (here / "a.py").write_text(half + "model.train(\n")
    _, told = lint(capsys, "-v", "--min-severity", "info", "a.py")
    assert ": the rest of the file could not be read" in told
    assert "LLB" not in "".join(line for line in told.splitlines() if "not checked" not in line)


def test_no_view_of_a_program_is_taken_of_half_of_it(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    whole = (
        "from peft import LoraConfig\nnames = ['q_proj']\n"
        "c = LoraConfig(r=8, lora_alpha=16, target_modules=names.append('v_proj'))\n"
    )
    (here / "a.py").write_text(whole)
    assert "error: LLB16" in lint(capsys, "a.py")[1]
    (here / "a.py").write_text(whole + "model.train(\n")
    _, report = lint(capsys, "-v", "a.py")
    assert "LLB16 value-of-a-mutator: the rest of the file could not be read" in report
    assert "error: LLB16" not in report


def test_yaml_is_read_up_to_the_document_that_is_wrong(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / "a.yaml").write_text(f"{YAML}---\na: [1\nb: }}\n---\nlora_r: 0\n")
    code, told = lint(capsys, "a.yaml")
    assert code == 2
    assert "a.yaml: error: this is not YAML" in told
    assert "a.yaml:6:15: error: LL302" in told
    before = (here / "a.yaml").read_bytes()
    assert main(["--fix", "--unsafe-fixes", "a.yaml"]) == 2
    assert (here / "a.yaml").read_bytes() == before


@pytest.mark.parametrize(
    "text", ["LoraConfig(", "x = (\nLoraConfig(r=8)\n", "def f(:\n  LoraConfig()"]
)
def test_where_nothing_comes_before_the_error_nothing_is_read(
    here: Path, capsys: pytest.CaptureFixture, text: str
) -> None:
    (here / "a.py").write_text(text)
    code, told = lint(capsys, "a.py")
    assert code == 2
    assert "only what comes before" not in told


# Long values


@pytest.mark.parametrize("form", ["text", "json"])
def test_long_values_are_shortened(here: Path, capsys: pytest.CaptureFixture, form: str) -> None:
    (here / "a.yaml").write_text(YAML.replace("lora_r: 8", f"lora_r: {'9' * 5000}"))
    (here / "b.py").write_text(
        f"from peft import LoraConfig\nLoraConfig(r={'9' * 4000}, lora_alpha='{'a' * 3000}',"
        f" target_modules={[f'm{number}' for number in range(2000)]},"
        f" init_lora_weights='{'b' * 999}')\n"
    )
    _, told = lint(capsys, "-v", "--min-severity", "info", "--format", form, ".")
    assert "9" * 100 not in told
    assert "b" * 200 not in told
    assert max(map(len, told.splitlines())) < 1200
    assert main(["show", "a.yaml", "b.py"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) < 300


@pytest.mark.parametrize(
    ("kind", "text", "concerns"),
    [
        ("python", "from_pretrained(a, load_in_4bit=True); Trainer(m)", True),
        ("notebook", "from_pretrained(a, load_in_8bit=True); loss.backward()", True),
        ("python", "from unsloth import F; F.from_pretrained(a); SFTTrainer(m)", True),
        ("python", 'from_pretrained("org/model-AWQ"); Trainer(m)', True),
        ("python", "from_pretrained(a, load_in_4bit=True); m.generate()", False),
        ("python", "from_pretrained(a); Trainer(m)", False),
        ("yaml", "from_pretrained load_in_4bit Trainer", False),
        ("yaml", "adapter: lora", True),
    ],
)
def test_a_script_that_may_train_a_quantized_model_is_read_too(
    kind: str, text: str, concerns: bool
) -> None:
    assert concerns_lora(kind, text.encode()) is concerns
