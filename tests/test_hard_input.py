"""Input that nobody writes on purpose: no traceback, the right exit code, other files linted."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from growing import steps_of
from lora_lint.cli.main import main
from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport
from lora_lint.sources import discover
from lora_lint.sources.source import Source
from lora_rules.engine.budgets import ALIASED_NODES, RECIPES, RUN_CALLS, SEARCHED_KEYS

BAD = "from peft import LoraConfig\nc = LoraConfig(r=8, lora_alpha=0)\n"
LORA = "base_model: m\ndatasets: []\nadapter: lora\nlora_alpha: 16\nlora_target_linear: true\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(BAD)
    return tmp_path


def bomb() -> bytes:
    lines = ["a0: &a0 [lora, lora, lora, lora, lora, lora, lora, lora, lora]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join([*lines, LORA + "lora_r: 8", ""]).encode()


def merges() -> bytes:
    lines = ["b0: &b0 {lora_r: 8}"]
    lines += [f"b{n}: &b{n}\n  <<: [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join([*lines, LORA, "<<: *b11", ""]).encode()


BLOCK = "{lora_r: 8, lora_alpha: 16}"


def shared(first: str, opening: str, item: str, closing: str, levels: int) -> str:
    """Few bytes whose aliases lead again and again to the same block."""
    lines = [f"a0: &a0 {first}"]
    for level in range(1, levels):
        items = ",".join(item.format(j, level - 1) for j in range(9))
        lines.append(f"a{level}: &a{level} {opening}{items}{closing}")
    return "\n".join([*lines, ""])


MAPPINGS = shared(BLOCK, "{", "k{}: *a{}", "}", 5)
LISTS = shared(f"[{BLOCK}]", "[", "*a{1}", "]", 5)
MERGES = shared(BLOCK, "{", "k{}: {{<<: *a{}}}", "}", 5)
LEVELS = [(level, ",".join(f'"k{j}": *a{level - 1}' for j in range(9))) for level in range(1, 9)]
LIKE_JSON = (
    '{"a0": &a0 {"lora_r": 8, "lora_alpha": 16},'
    + ",".join(f'"a{level}": &a{level} {{{items}}}' for level, items in LEVELS)
    + "}"
)
CONFIG = "LoraConfig(r={}, lora_alpha=16)\n"
CONFIGS = BAD + "".join(CONFIG.format(n + 1) for n in range(2000))


def notebook(cells: list[str]) -> bytes:
    code = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": code}).encode()


def in_cell(source: object) -> bytes:
    return json.dumps({"cells": [{"cell_type": "code", "source": source}]}).encode()


def chain(first: str, following: str, length: int, keyword: str) -> bytes:
    """``a0 = first``, each name after it made from the one before, and a call with the last."""
    lines = [f"a{n} = {following.format(n, f'{n - 1}')}" for n in range(1, length)]
    call = f"LoraConfig({keyword}=a{length - 1})"
    return PEFT + "\n".join([f"a0 = {first}", *lines, call, ""]).encode()


PEFT = b"from peft import LoraConfig\n"
HARD: dict[str, tuple[str, bytes]] = {
    "alias bomb": ("x.yaml", bomb()),
    "merge bomb": ("x.yaml", merges()),
    "bomb of blocks": ("x.yaml", MAPPINGS.encode()),
    "bomb of blocks in lists": ("x.yaml", LISTS.encode()),
    "bomb of merged blocks": ("x.yaml", MERGES.encode()),
    "bomb of blocks like JSON": ("x.yaml", LIKE_JSON.encode()),
    "alias of itself": ("x.yaml", b"lora: &a [*a]\n" + LORA.encode()),
    "gigantic integer": ("x.yaml", LORA.encode() + b"lora_r: " + b"9" * 100_000),
    "gigantic power": ("x.py", PEFT + b"LoraConfig(r=9**9**9, lora_alpha=2)\n"),
    "gigantic shift": ("x.py", PEFT + b"LoraConfig(r=1 << 10**12)\n"),
    "gigantic text": ("x.py", PEFT + b"LoraConfig(bias='x' * 10**12)\n"),
    "gigantic range": ("x.py", PEFT + b"LoraConfig(r=list(range(10**12))[0])\n"),
    "gigantic hexadecimal": ("x.py", PEFT + b"LoraConfig(r=0x" + b"f" * 100_000 + b")\n"),
    "gigantic float": ("x.json", b'{"peft_type": "LORA", "r": 1e999, "lora_alpha": -1e999}'),
    "NaN": ("x.yaml", LORA.encode() + b"lora_r: .nan\nlora_dropout: .inf\nlearning_rate: .nan\n"),
    "NaN in JSON": ("x.json", b'{"peft_type": "LORA", "r": NaN, "lora_dropout": Infinity}'),
    "NUL in YAML": ("x.yaml", LORA.encode() + b"lora_r: \x00\n"),
    "NUL in Python": ("x.py", BAD.encode() + b"\x00"),
    "NUL in a shell": ("x.sh", b"swift sft --lora_rank \x00 8 --lora_alpha 0\n"),
    "surrogates in JSON": ("x.json", b'{"peft_type": "LORA", "r": 8, "bias": "\\ud800"}'),
    "surrogates in a notebook": ("x.ipynb", in_cell(BAD + "s = '\ud800'")),
    "UTF-16": ("x.yaml", b"\xff\xfe" + (LORA + "lora_r: 8\n").encode("utf-16-le")),
    "UTF-16 big end first": ("x.py", b"\xfe\xff" + BAD.encode("utf-16-be")),
    "UTF-16 cut off": ("x.yaml", b"\xff\xfel\x00o\x00r\x00a\x00:"),
    "UTF-32": ("x.yaml", b"\xff\xfe\x00\x00" + LORA.encode("utf-32-le")),
    "Latin-1": ("x.yaml", "# größer als lora\n".encode("latin-1") + LORA.encode()),
    "carriage returns": ("x.py", BAD.replace("\n", "\r").encode()),
    "mixed line ends": ("x.yaml", LORA.replace("\n", "\r\n", 2).encode() + b"lora_r: 8\r"),
    "form feeds": ("x.py", b"\x0c" + BAD.encode() + b"\x0c\x0b\x1c\x85\n"),
    "one long line": ("x.yaml", LORA.encode() + b"lora_r: [" + b"8, " * 100_000 + b"8]\n"),
    "one long comment": ("x.py", b"# " + b"lora " * 500_000 + b"\n" + BAD.encode()),
    "one long word": ("x.sh", b"swift sft --lora_rank " + b"8" * 1_000_000 + b"\n"),
    "deep list": ("x.json", b'{"lora_r": ' + b"[" * 50_000),
    "deep mapping": ("x.yaml", b"lora: " + b"{a: " * 50_000),
    "deep brackets": ("x.py", BAD.encode() + b"x = " + b"(" * 50_000),
    "deep additions": ("x.py", BAD.encode() + b"r = " + b"1+" * 20_000 + b"1\nLoraConfig(r=r)\n"),
    "deep nesting in a shell": ("x.sh", b"swift sft --lora_rank " + b"$(" * 20_000 + b"\n"),
    "many names": ("x.py", chain("8", "a{1}", 3000, "r")),
    "names in a circle": ("x.py", PEFT + b"a = b\nb = a\nLoraConfig(r=a)\n"),
    "doubling": ("x.py", chain("['q']", "a{1} + a{1}", 60, "target_modules")),
    "notebook: no JSON": ("x.ipynb", b'{"cells": [{"cell_type": "code", "source": "lora'),
    "notebook: a list": ("x.ipynb", b'["lora"]'),
    "notebook: cells a number": ("x.ipynb", b'{"cells": 5, "lora": 1}'),
    "notebook: odd cells": ("x.ipynb", b'{"cells": [null, {"source": "lora"}, {"cell_type": 5}]}'),
    "notebook: odd sources": ("x.ipynb", in_cell(["lora", 5, None, {}])),
    "notebook: deep": ("x.ipynb", b'{"lora": ' + b"[" * 100_000),
    "empty": ("x.yaml", b""),
    "only a mark": ("x.yaml", b"\xef\xbb\xbf"),
    "evil pattern": ("x.yaml", LORA.encode() + b'lora_r: 8\nlora_target_modules: "(a+)+$"\n'),
    "tags": ("x.yaml", LORA.encode() + b"lora_r: !!python/object/apply:os.system [x]\n"),
    "duplicate keys": ("x.json", b'{"peft_type": "LORA", "r": 8, "r": 8, "r": 16}'),
    "directive of nothing": ("x.py", b"# lora-lint:\n# lora-lint: ignore[\n" + BAD.encode()),
    "huge directive": ("x.py", b"# lora-lint: ignore[" + b"LL101," * 50_000 + b"]\n" + PEFT),
}  # fmt: skip


@pytest.mark.parametrize("case", HARD, ids=lambda case: case.replace(" ", "-"))
@pytest.mark.parametrize("arguments", [[], ["--diff", "--unsafe-fixes"]], ids=["lint", "fix"])
def test_hard_input_is_no_trouble_to_others(
    here: Path, capsys: pytest.CaptureFixture, case: str, arguments: list[str]
) -> None:
    name, data = HARD[case]
    (here / name).write_bytes(data)
    code = main(["--no-cache", "--min-severity", "info", "-q", *arguments, "."])
    assert code in ((1,) if not arguments else (0, 1))
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    if not arguments:
        assert "bad.py:2:32: error: LL101" in said.out
    assert main(["--no-cache", "-q", name]) in (0, 1, 2)
    assert (here / name).read_bytes() == data


@pytest.mark.parametrize("case", sorted(HARD), ids=lambda case: case.replace(" ", "-"))
@pytest.mark.parametrize("command", ["show", "params", "memory"])
def test_hard_input_is_told_in_sentences(
    here: Path, capsys: pytest.CaptureFixture, case: str, command: str
) -> None:
    name, data = HARD[case]
    (here / name).write_bytes(data)
    assert main([command, name]) in (0, 2)
    assert "Traceback" not in capsys.readouterr().err


def lint(here: Path, capsys: pytest.CaptureFixture, *paths: str) -> tuple[int, str, str]:
    code = main(["--no-cache", "-q", *(paths or (".",))])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_file_of_fifty_megabytes_on_one_line(here: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("x.yaml", "x.json", "x.sh", "x.py", "x.ipynb"):
        (here / name).write_bytes(b"lora " * 10 * 2**20)
    code, out, err = lint(here, capsys)
    assert code == 1
    assert "bad.py:2:32" in out
    assert "Traceback" not in err


def test_cyclic_links_end(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "loop.yaml").symlink_to("loop.yaml")
    (here / "a").mkdir()
    (here / "a" / "up").symlink_to("..")
    (here / "gone.yaml").symlink_to("nowhere")
    assert lint(here, capsys)[0] == 1
    assert lint(here, capsys, "loop.yaml")[0] == 2
    assert lint(here, capsys, "gone.yaml")[0] == 2


def test_what_is_no_file_is_not_waited_for(here: Path, capsys: pytest.CaptureFixture) -> None:
    os.mkfifo(here / "pipe.yaml")
    (here / "folder.yaml").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
        assert lint(here, capsys)[0] == 1
        assert lint(here, capsys, "folder.yaml")[0] == 0
        assert lint(here, capsys, "pipe.yaml", "socket.yaml")[0] == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_told(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "x.yaml").write_text(LORA)
    (here / "x.yaml").chmod(0)
    assert lint(here, capsys)[0] == 1
    assert lint(here, capsys, "x.yaml")[0] == 2


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "I/O")])
def test_a_file_that_cannot_be_read_is_told_and_others_are_linted(
    here: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    (here / "x.yaml").write_text(LORA)
    usual = discover.load

    def load(path: str) -> object:
        if path == "x.yaml":
            raise error
        return usual(path)

    monkeypatch.setattr("lora_lint.engine.run.load", load)
    code, out, _ = lint(here, capsys)
    assert code == 1
    assert "x.yaml: warning: cannot be read" in out
    assert "bad.py:2:32" in out
    assert lint(here, capsys, "x.yaml")[0] == 2


def test_a_file_that_vanishes_between_listing_and_reading(
    here: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "aaa.yaml").write_text(LORA)
    usual = os.path.isfile

    def vanish(path: str) -> bool:
        (here / "aaa.yaml").unlink(missing_ok=True)
        return usual(path)

    monkeypatch.setattr("lora_lint.sources.discover.os.path.isfile", vanish)
    code, out, err = lint(here, capsys)
    assert code == 1
    assert "bad.py:2:32" in out
    assert "Traceback" not in err


def test_names_that_are_no_text(here: Path) -> None:
    name = os.fsencode(str(here)) + b"/\xff\xfe\n\x1b[31m.py"
    with open(name, "w") as file:
        file.write(BAD)
    for form in ("text", "json", "sarif", "github", "gitlab", "junit"):
        done = subprocess.run(
            [sys.executable, "-m", "lora_lint", "--no-cache", "--format", form, "."],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert b"Traceback" not in done.stderr
        assert form != "text" or b"\x1b" not in done.stdout


def sentences(report: FileReport) -> list[str]:
    """What could not be checked."""
    return [each.sentence for each in report.not_checked if each.sentence]


def note_of(name: str, kind: str, data: bytes) -> tuple[int, list[str]]:
    """How many recipes a file has, and which limits it reached."""
    report = check(Source(name, kind, data), Config(), {})
    assert report.unreadable is None
    rules = ("LL", "no GPU", "no base model", "neither the training data")
    words = (note for note in sentences(report) if not note.startswith(rules))
    return report.recipes, [note for note in words if ": LL" not in note]


@pytest.mark.parametrize("text", [MAPPINGS, LISTS], ids=["mappings", "lists"])
def test_a_block_that_aliases_share_is_one_recipe(text: str) -> None:
    assert note_of("x.yaml", "yaml", text.encode()) == (1, [])


def test_aliases_that_stand_for_too_much_are_reported_and_the_rest_is_checked() -> None:
    recipes, notes = note_of("x.yaml", "yaml", LIKE_JSON.encode())
    assert recipes == 1
    (note,) = notes
    assert f"stand for more than {ALIASED_NODES} nodes" in note


def test_a_bomb_takes_few_steps_a_node() -> None:
    file = Source("x.yaml", "yaml", MAPPINGS.encode())
    check(file, Config(), {})
    assert steps_of(file) < 30 * ALIASED_NODES


def test_two_thousand_configurations() -> None:
    report = check(Source("x.py", "python", CONFIGS.encode()), Config(), {})
    assert report.recipes == RECIPES
    assert any(f"more than {RECIPES} recipes" in note for note in sentences(report))
    assert [f.span.line for f in report.findings if f.code == "LL101"] == [2]


def test_a_file_with_more_blocks_than_are_checked() -> None:
    text = "".join(f"---\nn: {n}\n{LORA}lora_r: 8\n" for n in range(RECIPES + 1))
    recipes, notes = note_of("x.yaml", "yaml", text.encode())
    assert recipes == RECIPES
    (note,) = notes
    assert note.endswith(
        f"it holds more than {RECIPES} recipes: those from here on are not checked"
    )


def test_a_long_script_is_looked_at_as_far_as_the_budget_goes() -> None:
    text = BAD + "print(c)\n" * (RUN_CALLS + 10)
    report = check(Source("x.py", "python", text.encode()), Config(), {})
    assert any(f"more than {RUN_CALLS} calls" in note for note in sentences(report))
    assert "LL101" in {finding.code for finding in report.findings}


def test_a_list_that_is_too_long_to_search_is_reported() -> None:
    text = "runs:\n" + f"- {BLOCK}\n" * (SEARCHED_KEYS + 1)
    recipes, notes = note_of("x.yaml", "yaml", text.encode())
    assert recipes == SEARCHED_KEYS
    assert any(f"the first {SEARCHED_KEYS} are searched" in note for note in notes)


def test_a_mapping_that_is_too_long_to_search_is_reported() -> None:
    text = "".join(f"k{n}: {BLOCK}\n" for n in range(SEARCHED_KEYS + 1))
    recipes, notes = note_of("x.yaml", "yaml", text.encode())
    assert recipes == 0
    assert f"line 1: a mapping of {SEARCHED_KEYS + 1} keys, more than {SEARCHED_KEYS}" in notes[0]


def test_a_mapping_that_is_too_long_to_be_a_recipe_is_reported() -> None:
    text = "lora_r: 8\nlora_alpha: 0\n" + "".join(f"k{n}: 1\n" for n in range(SEARCHED_KEYS))
    recipes, notes = note_of("x.yaml", "yaml", text.encode())
    assert recipes == 0
    assert any(f"more than {SEARCHED_KEYS}" in note for note in notes)


def test_an_object_that_is_changed_again_and_again() -> None:
    changes = "".join(f"c['k{n}'] = {n}\n" for n in range(1000))
    text = f"{BAD}c = dict(r=8)\n{changes}d = LoraConfig(**c)\n"
    report = check(Source("x.py", "python", text.encode()), Config(), {})
    assert report.unreadable is None
    assert report.recipes == 2
    assert "LL101" in {finding.code for finding in report.findings}


@pytest.mark.slow
def test_twenty_thousand_cells() -> None:
    cells = [BAD, *(f"x{n} = {n}\nprint(x{n})" for n in range(20_000))]
    report = check(Source("x.ipynb", "notebook", notebook(cells)), Config(), {})
    assert "LL101" in {finding.code for finding in report.findings}
    assert any("is not looked at" in note for note in sentences(report))
