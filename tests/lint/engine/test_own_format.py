"""Files that look like a framework's and are read by a program of the repository's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport
from lora_lint.sources import own_program
from lora_lint.sources.files import Files
from lora_lint.sources.own_program import declares
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Severity

LIKE_TRL = """\
model_name_or_path: Qwen/Qwen2.5-0.5B
dataset_name: trl-lib/Capybara
use_lora: true
lora_r: 16
lora_alpha: 32
"""
LIKE_AXOLOTL = """\
base_model: NousResearch/Llama-3.2-1B
micro_batch_size: 2
lr: 0.0002
lora_r: 8
lora_alpha: 16
"""
LIKE_LLAMAFACTORY = """\
python ../src/train_bash.py --stage sft --model_name_or_path THUDM/chatglm2-6b --do_train \\
  --dataset self_cognition --finetuning_type lora --lora_rank 8 --lora_alpha 16 \\
  --checkpoint_dir out/first
"""
FIELDS = """\
from dataclasses import dataclass, field

@dataclass
class Arguments:
    use_lora: bool = field(default=True)
    lora_r: int = field(default=8)
    lora_alpha: int = field(default=16)
"""
OPTIONS = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lora_rank", type=int, default=8)
parser.add_argument(
    "--checkpoint_dir", default=None
)
"""
ITEMS = """\
import yaml

config = yaml.safe_load(open("config.yaml"))
rate, rank = config["lr"], config.get("lora_r", 8)
"""
ON_TRLS_CLASSES = """\
from dataclasses import dataclass
from trl import ModelConfig, SFTConfig, TrlParser

@dataclass
class Own:
    use_lora: bool = True

own, model, sft = TrlParser((Own, ModelConfig, SFTConfig)).parse_args_and_config()
"""


def _linted(root: Path, name: str, text: str, programs: dict[str, str]) -> FileReport:
    (root / ".git").mkdir()
    for program, code in programs.items():
        path = root / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    kind = "shell" if name.endswith(".sh") else "yaml"
    return check(Source(str(path), kind, text.encode()), Config(), {})


def _codes(report: FileReport) -> set[str]:
    return {each.code for each in report.findings if each.severity is not Severity.INFO}


@pytest.mark.parametrize(
    ("name", "text", "programs"),
    [
        ("configs/lora.yaml", LIKE_TRL, {"arguments.py": FIELDS}),
        ("configs/lora.yaml", LIKE_AXOLOTL, {"src/deep/train.py": ITEMS}),
        ("examples/train.sh", LIKE_LLAMAFACTORY, {"src/options.py": OPTIONS}),
    ],
    ids=["fields", "items", "options"],
)
def test_a_key_that_a_program_here_declares_makes_the_file_its_own(
    tmp_path: Path, name: str, text: str, programs: dict[str, str]
) -> None:
    report = _linted(tmp_path, name, text, programs)
    assert report.dialects == ("generic",)
    assert not _codes(report) & {"LL001", "LL010", "LL012"}
    assert any(path.endswith(tuple(programs)) for path in report.depends_on)


@pytest.mark.parametrize(
    ("name", "text", "programs", "code"),
    [
        ("configs/lora.yaml", LIKE_TRL, {}, "LL010"),
        ("configs/lora.yaml", LIKE_TRL, {"other.py": "use_lora = True\nlora_r = 8\n"}, "LL010"),
        ("configs/lora.yaml", LIKE_TRL, {"train.py": ON_TRLS_CLASSES}, "LL010"),
        ("configs/lora.yaml", LIKE_AXOLOTL, {"train.py": FIELDS}, "LL001"),
        ("examples/train.sh", LIKE_LLAMAFACTORY, {"src/train_bash.py": "main()\n"}, "LL001"),
    ],
    ids=["no program", "no declaration", "TRL's classes", "another key", "no key"],
)
def test_else_it_is_the_frameworks(
    tmp_path: Path, name: str, text: str, programs: dict[str, str], code: str
) -> None:
    assert code in _codes(_linted(tmp_path, name, text, programs))


def test_the_nearest_folder_decides(tmp_path: Path) -> None:
    programs = {"near/train.py": ON_TRLS_CLASSES, "far/train.py": FIELDS}
    assert "LL010" in _codes(_linted(tmp_path, "near/lora.yaml", LIKE_TRL, programs))


def test_outside_a_repository_only_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "train.py").write_text(FIELDS)
    at = str(tmp_path / "lora.yaml")
    assert not declares(at, {"use_lora"}, {"lora_r"}, Files())
    (tmp_path / "train.py").write_text(FIELDS)
    assert declares(at, {"use_lora"}, {"lora_r"}, Files())


def test_the_work_is_bounded_and_no_link_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repository"
    outside = tmp_path / "outside"
    for folder in (repository / ".git", outside):
        folder.mkdir(parents=True)
    (outside / "train.py").write_text(FIELDS)
    (repository / "link").symlink_to(outside)
    (repository / "train.py").symlink_to(outside / "train.py")
    for number in range(20):
        (repository / f"a{number}.py").write_text("x = 1\n")
    monkeypatch.setattr(own_program, "MAX_FILES", 10)
    files = Files()
    assert not declares(str(repository / "lora.yaml"), {"use_lora"}, {"lora_r"}, files)
    assert sum(path.endswith(".py") for path in files.looked_for) == 10
