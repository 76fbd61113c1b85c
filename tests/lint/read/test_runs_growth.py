"""What following names into other files costs: counted, in files and in steps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from lora_lint.engine.run import Request, Run
from lora_lint.read.modules import Modules
from lora_lint.read.python.index import Index
from lora_lint.read.python.order import Run as Way
from lora_lint.sources.discover import Found
from lora_rules.engine.budgets import COMMANDS, PROGRAM_FILES, ROOTS

BUILD = """
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
def build(name, rank=8):
    base = AutoModelForCausalLM.from_pretrained(name)
    return get_peft_model(base, LoraConfig(r=rank, lora_alpha=16))
"""
MAIN = 'if __name__ == "__main__":\n'
MOST = 2.3
"""Times the steps for twice as many, as in the test of single files."""
FEW = 2_000


def _importers(number: int) -> dict[str, str]:
    call = f"from model import build\n{MAIN}    build('gpt2', 16)\n"
    return {"model.py": BUILD} | {f"train{i}.py": call for i in range(number)}


def _modules(number: int) -> dict[str, str]:
    chain = {
        f"part{i}.py": f"from transformers import Trainer\nfrom part{i + 1} import *\nv{i} = {i}\n"
        for i in range(number)
    }
    last = {f"part{number}.py": "rank = 16\n"}
    return {"model.py": f"from part0 import rank\n{BUILD}\nbuild('gpt2', rank)\n"} | chain | last


def _commands(number: int) -> dict[str, str]:
    parser = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--r', type=int)\n"
    script = "".join(f"python model.py --r {2 + i % 5}\n" for i in range(number))
    return {"model.py": f"{parser}{BUILD}\nbuild('gpt2', p.parse_args().r)\n", "run.sh": script}


def _steps(folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many functions are called while ``model.py`` is read, beside those that list files."""
    folder.mkdir()
    (folder / ".git").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    monkeypatch.chdir(folder)
    listed = [str(folder / name) for name in files]
    monkeypatch.setattr(Modules, "files", property(lambda _self: listed))
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        made = Run(Request()).recipes(Found("model.py", named=True))
    finally:
        sys.setprofile(before)
    assert made
    return count


@pytest.mark.parametrize("make", [_importers, _modules])
def test_twice_as_many_are_twice_the_work(
    make: Callable[[int], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _steps(tmp_path / "warm", make(2), monkeypatch)
    one, two, four = (_steps(tmp_path / f"n{n}", make(n), monkeypatch) for n in (8, 16, 32))
    assert four - two <= max(MOST * (two - one), FEW)


def test_many_commands_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _steps(tmp_path / "warm", _commands(2), monkeypatch)
    one, two, four = (
        _steps(tmp_path / f"n{n}", _commands(n), monkeypatch)
        for n in (2 * COMMANDS, 4 * COMMANDS, 8 * COMMANDS)
    )
    assert four - two <= max(MOST * (two - one), FEW)
    made = Run(Request()).recipes(Found("model.py", named=True))
    assert len({each.settings["r"].candidates for each in made}) == 5


def test_many_callers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    started: list[object] = []
    add, go = Index.add_module, Way.program

    def counted(self: Index, *given: object) -> object:
        taken.append("")
        return add(self, *given)  # type: ignore[arg-type]

    def gone(self: Way, module: object) -> object:
        started.append(module)
        return go(self, module)  # type: ignore[arg-type]

    monkeypatch.setattr(Index, "add_module", counted)
    monkeypatch.setattr(Way, "program", gone)
    _steps(tmp_path / "many", _importers(200), monkeypatch)
    assert len(taken) <= PROGRAM_FILES
    assert 0 < len(started) <= ROOTS


def test_a_run_ends_with_the_last_call_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    go = Way.program

    def gone(self: Way, module: object) -> object:
        started.append(module)
        return go(self, module)  # type: ignore[arg-type]

    monkeypatch.setattr(Way, "program", gone)
    _steps(tmp_path / "few", _importers(5), monkeypatch)
    assert len(started) == 1


def test_a_repository_without_lora_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "use.py").write_text("from helpers import load\nload()\n")
    (tmp_path / "helpers.py").write_text("def load():\n    return 1\n")
    monkeypatch.chdir(tmp_path)

    def listed(_self: Modules) -> list[str]:
        raise AssertionError("the files of the repository were listed")

    monkeypatch.setattr(Modules, "files", property(listed))
    run = Run(Request())
    assert not [
        each for name in ("use.py", "helpers.py") for each in run.recipes(Found(name, True))
    ]
    assert not run.troubles


def test_importers_that_name_nothing_of_it_are_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {f"other{i}.py": "import model\nprint(model.__doc__)\n" for i in range(20)}
    parsed: list[str] = []
    tree = Modules.tree

    def counted(self: Modules, path: str) -> object:
        parsed.append(Path(path).name)
        return tree(self, path)

    monkeypatch.setattr(Modules, "tree", counted)
    _steps(tmp_path / "others", _importers(1) | other, monkeypatch)
    assert set(parsed) == {"model.py", "train0.py"}


def test_an_imported_program_does_not_run_what_it_does_when_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = f"{MAIN}    from trl import SFTTrainer\n    SFTTrainer(model=build('own', 4)).train()\n"
    files = {
        "model.py": BUILD + main,
        "train.py": f"from model import build\n{MAIN}    build('gpt2', 16)\n",
    }
    calls: list[str] = []
    go = Way.program

    def gone(self: Way, module: object) -> Way:
        way: Way = go(self, module)  # type: ignore[arg-type]
        calls.extend(call.name for call in way.calls)
        return way

    monkeypatch.setattr(Way, "program", gone)
    _steps(tmp_path / "started", files, monkeypatch)
    assert "peft.get_peft_model" in calls
    assert "trl.SFTTrainer" not in calls
