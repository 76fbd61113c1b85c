"""What is kept of a run: the same answer, as long as everything it follows from is the same."""

from __future__ import annotations

import builtins
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from lora_lint.cli.main import main
from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport
from lora_lint.sources import cache as caching
from lora_lint.sources.cache import Cache
from lora_lint.sources.cache_folder import VARIABLE
from lora_lint.sources.discover import load
from lora_lint.sources.pins import search
from lora_lint.sources.source import Source

EXAMPLES = sorted(p for p in (ROOT / "examples").rglob("*") if p.is_file())
BAD = b"from peft import LoraConfig\n\nconfig = LoraConfig(r=8, lora_alpha=0)\n"
TINY = """\
model_name_or_path: Qwen/Qwen2.5-7B-Instruct
stage: sft
finetuning_type: lora
lora_rank: 64
lora_alpha: 128
lora_target: all
dataset: alpaca
"""


@pytest.fixture
def kept(tmp_path: Path) -> Cache:
    return Cache(str(tmp_path / "kept"), {})


def answer(kept: Cache, source: Source, config: Config | None = None) -> FileReport | None:
    return kept.get(kept.key(source, config or Config()), source)


def keep(kept: Cache, source: Source, config: Config | None = None) -> FileReport:
    report = check(source, config or Config(), {})
    kept.put(kept.key(source, config or Config()), report)
    return report


def entries(kept: Cache) -> list[Path]:
    return sorted(Path(kept.folder).rglob("*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_answer_is_the_same_as_without(path: Path, kept: Cache) -> None:
    source = load(str(path))
    if source is None:
        pytest.skip("says nothing of LoRA")
    report = keep(kept, source)
    found = answer(kept, source)
    assert found is not None
    assert found.findings == report.findings
    bare = report._replace(lines=(), cells=())
    assert found._replace(lines=(), cells=()) == bare
    if report.findings:
        assert (found.lines, found.cells) == (report.lines, report.cells)


def test_other_bytes_names_settings_declarations_and_folders_are_other_entries(
    kept: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source("a.py", "python", BAD)
    config = Config()
    keys = {
        kept.key(source, config),
        kept.key(source._replace(data=BAD + b"\n"), config),
        kept.key(source._replace(path="b.py"), config),
        kept.key(source._replace(kind="shell"), config),
        kept.key(source, config._replace(ignore=("LL101",))),
        kept.key(source, config._replace(declared={"gpu": "A100"})),
        kept.key(source, config._replace(rules={"LL102": {"high": 9.0}})),
        Cache(kept.folder, {"gpu": "A100"}).key(source, config),
    }
    monkeypatch.chdir(tmp_path)
    keys.add(Cache(kept.folder, {}).key(source, config))
    monkeypatch.setattr(caching, "own_code", lambda: "another version")
    keys.add(Cache(kept.folder, {}).key(source, config))
    assert len(keys) == 10
    assert kept.key(source, config) == kept.key(source, config._replace(min_severity="info"))


def test_what_is_pinned_beside_the_file_counts(
    kept: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = Source("a.py", "python", BAD)
    before = kept.key(source, Config())
    (tmp_path / "requirements.txt").write_text("peft==0.10.0\n-r more.txt\n")
    search.forget()
    key = kept.key(source, Config())
    assert key != before  # the name of the file is in the key, its content in the entry
    for name, text in (("requirements.txt", "peft==0.9.0\n-r more.txt\n"), ("more.txt", "trl\n")):
        search.forget()
        kept.put(key, check(source, Config(), {}))
        assert kept.get(key, source) is not None
        (tmp_path / name).write_text(text)
        assert kept.get(key, source) is None


def test_a_dataset_that_appears_changes_or_goes_is_noticed(kept: Cache, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    path = tmp_path / "train.py"
    text = (
        "from datasets import load_dataset\nfrom peft import LoraConfig\n"
        "from trl import SFTConfig, SFTTrainer\n"
        f'rows = load_dataset("json", data_files="{rows}", split="train")\n'
        "config = LoraConfig(r=64, lora_alpha=128)\n"
        'trainer = SFTTrainer("Qwen/Qwen2.5-7B", args=SFTConfig("out"), train_dataset=rows,\n'
        "                     peft_config=config)\n"
    )
    source = Source(str(path), "python", text.encode())
    keep(kept, source)
    assert answer(kept, source) is not None
    rows.write_text('{"text": "a"}\n')
    assert answer(kept, source) is None
    keep(kept, source)
    assert answer(kept, source) is not None
    rows.write_text('{"text": "b"}\n')
    assert answer(kept, source) is None
    keep(kept, source)
    rows.unlink()
    assert answer(kept, source) is None


def test_a_models_configuration_is_noticed(kept: Cache, tmp_path: Path) -> None:
    source = Source(
        str(tmp_path / "a.yaml"), "yaml", TINY.replace("Qwen/Qwen2.5-7B-Instruct", "m").encode()
    )
    keep(kept, source)
    assert answer(kept, source) is not None
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text('{"model_type": "llama"}')
    assert answer(kept, source) is None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_look_at_another_file_is_noted(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the check looks for outside of the program is watched, or in the entry's name."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    source = load(str(path))
    if source is None:
        pytest.skip("says nothing of LoRA")
    check(source, Config(), {"gpu": "RTX 4090"})  # imports and tables are read
    looked: set[str] = set()

    def watched(function: Any) -> Any:
        def call(name: Any, *rest: Any, **named: Any) -> Any:
            if isinstance(name, str | bytes):
                looked.add(os.fsdecode(name))
            return function(name, *rest, **named)

        return call

    with monkeypatch.context() as patch:
        for module, name in ((os.path, "isfile"), (os.path, "exists"), (os.path, "isdir")):
            patch.setattr(module, name, watched(getattr(module, name)))
        patch.setattr(os.path, "getsize", watched(os.path.getsize))
        patch.setattr(os, "listdir", watched(os.listdir))
        patch.setattr(builtins, "open", watched(builtins.open))
        report = check(source, Config(), {"gpu": "RTX 4090"})
    ours = (str(ROOT / "rules"), str(ROOT / "lint"))
    marks = (".git", ".hg")  # where a repository ends is taken to stay
    outside = {
        name
        for name in looked
        if not os.path.abspath(name).startswith(ours) and os.path.basename(name) not in marks
    }
    assert outside <= report.depends_on


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"elsewhere": {}, "report": {}}',
        b'{"elsewhere": [], "report": {"findings": [{}]}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_a_broken_entry_is_as_good_as_none(kept: Cache, damage: bytes) -> None:
    source = Source("a.py", "python", BAD)
    keep(kept, source)
    (entry,) = entries(kept)
    entry.write_bytes(damage)
    assert answer(kept, source) is None
    keep(kept, source)
    assert answer(kept, source) is not None


def test_a_folder_that_cannot_be_written_to_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = Cache(str(tmp_path / "file"), {})
    source = Source("a.py", "python", BAD)
    keep(kept, source)
    kept.prune()
    assert answer(kept, source) is None


def test_runs_at_the_same_time_do_not_disturb_each_other(kept: Cache) -> None:
    sources = [Source(f"{number}.py", "python", BAD) for number in range(8)]
    reports = {source.path: check(source, Config(), {}) for source in sources}
    wrong: list[str] = []

    def work() -> None:
        for _ in range(20):
            for source in sources:
                key = kept.key(source, Config())
                found = kept.get(key, source)
                if found is not None and found.findings != reports[source.path].findings:
                    wrong.append(source.path)
                kept.put(key, reports[source.path])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all(json.loads(entry.read_bytes()) for entry in entries(kept))


def test_what_nobody_asks_for_is_deleted_after_a_month(kept: Cache) -> None:
    old, new = Source("old.py", "python", BAD), Source("new.py", "python", BAD)
    keep(kept, old)
    (entry,) = entries(kept)
    month = kept._now - caching.KEPT - 1
    os.utime(entry, (month, month))
    keep(kept, new)
    kept.prune()
    assert entry not in entries(kept)
    assert answer(kept, new) is not None


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_bytes(BAD)
    return tmp_path


def test_a_second_run_checks_nothing_and_tells_the_same(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["."]) == 1
    first = capsys.readouterr().out

    def never(*_arguments: object) -> FileReport:
        raise AssertionError("checked again")

    monkeypatch.setattr("lora_lint.engine.check.check", never)
    assert main(["."]) == 1
    assert capsys.readouterr().out == first
    with pytest.raises(AssertionError, match="checked again"):
        main(["--no-cache", "."])


def test_no_cache_leaves_nothing_behind(here: Path) -> None:
    main(["--no-cache", "."])
    folder = Path(os.environ[VARIABLE])
    assert list(folder.iterdir()) == []
