"""Files that somebody wrote to break or to slow down: they are bounded, and nothing is raised."""

from __future__ import annotations

import os
import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.sources.files import Files
from lora_lint.sources.pins import combine, search
from lora_lint.sources.pins.combine import Pinned
from lora_lint.sources.pins.commands import installed
from lora_lint.sources.pins.files import MAX_BYTES, Disk
from lora_lint.sources.pins.folder import MAX_FILES, read
from lora_lint.sources.pins.requirement import parse
from lora_rules.engine.version_range import satisfiable

NAMES = (
    "requirements.txt",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "Pipfile.lock",
    "uv.lock",
    "conda-lock.yml",
    "environment.yml",
    "Dockerfile",
    "install.sh",
)
PIECES = st.sampled_from(
    [
        *("peft", "transformers", "trl", "==", ">=", "~=", "^", "0.15.2", "rc1", "*", ",", ";"),
        *("git+https://x.org/peft", "\n", "  ", "\\\n", '"', "'", "[", "]", "{", "}", "(", ")"),
        *("name", "version", "[[package]]\n", "[project]\ndependencies", "setup(install_requires"),
        *("pip install ", "RUN ", "COPY . .", "- ", "pip:", "-r requirements.txt", "$X", "${"),
        *("python_version < '3.9'", "extra", "\0", "\ufeff", "\ud7ff", "9" * 30, "<<EOF", "#"),
        *("`", "@", "="),
    ]
)


def pinned_for(path: str) -> dict[str, Pinned]:
    return search.pinned_for(path, Files())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


class Memory:
    """Files in memory, which counts what is read."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.reads: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.reads.append(path)
        return self.files.get(os.path.basename(path))

    def names(self, folder: str) -> tuple[str, ...]:
        return tuple(self.files)


@given(st.sampled_from(NAMES), st.lists(PIECES, max_size=30).map("".join))
def test_nothing_that_stands_in_a_file_is_raised(name: str, text: str) -> None:
    said = read("/x", Memory({name: text.encode("utf-8", "surrogatepass")}))
    statements = [*said.statements]
    statements += [combine.Statement("d", each.requirements) for each in said.dockerfiles]
    for pinned in combine.combined(statements, "point").values():
        assert pinned.candidates
        for each in pinned.candidates:
            each.certainly_below("1")
            each.contains("1.0")
            assert all(map(satisfiable, each.alternatives))


@given(st.sampled_from(NAMES), st.binary(max_size=300))
def test_binary_data_are_read_as_nothing(name: str, data: bytes) -> None:
    read("/x", Memory({name: data, "requirements-x.txt": b"peft==1.0\n" + data}))


@given(st.lists(PIECES, max_size=20).map("".join))
def test_a_requirement_or_command_never_raises(text: str) -> None:
    parse(text, "x")
    installed(f"pip install peft {text}", "x")


def test_a_very_large_file_is_not_read(root: Path) -> None:
    path = root / "requirements.txt"
    with path.open("wb") as file:
        file.write(b"peft==0.15.2\n")
        file.truncate(MAX_BYTES + 1)
    assert Disk().read(str(path)) is None
    assert pinned_for(str(root / "train.py")) == {}


@pytest.mark.parametrize("kind", ["folder", "fifo", "link to itself"])
def test_what_is_no_file_is_not_read(root: Path, kind: str) -> None:
    path = root / "requirements.txt"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    assert pinned_for(str(root / "train.py")) == {}


def test_a_list_may_include_nothing_sensible(root: Path) -> None:
    names = ["/dev/zero", ".", "https://x.org/a.txt", "", "a\0b", "../../../..", "~"]
    lines = "".join(f"-r {name}\n" for name in names)
    (root / "requirements.txt").write_text(lines + "peft==0.15.2\n")
    assert pinned_for(str(root / "train.py"))["peft"].candidates[0].exact == "0.15.2"


def test_a_folder_of_thousands_of_lists_costs_a_bounded_number_of_reads() -> None:
    include = b"".join(b"-r requirements%d.txt\n" % number for number in range(40))
    files = Memory({f"requirements{number}.txt": include for number in range(3000)})
    read("/x", files)
    assert len(files.reads) <= MAX_FILES * 32


def test_very_many_conditions_are_cut(root: Path) -> None:
    lines = "".join(f"peft!=0.0.{number}\n" for number in range(20_000))
    (root / "requirements.txt").write_text(lines)
    (candidate,) = pinned_for(str(root / "train.py"))["peft"].candidates
    assert len(candidate.alternatives[0]) == combine.MAX_CONDITIONS


def test_of_very_many_markers_nothing_is_known(root: Path) -> None:
    lines = "".join(
        f"peft=={number}.0; python_version == '3.{number}' and sys_platform == 'linux'\n"
        for number in range(2000)
    )
    (root / "requirements.txt").write_text(lines)
    assert pinned_for(str(root / "train.py")) == {}


def test_deeply_nested_code_is_no_statement(root: Path) -> None:
    (root / "setup.py").write_text("setup(install_requires=" + "[" * 5000 + "'peft'" + "]" * 5000)
    (root / "pyproject.toml").write_text("peft = " + "[" * 50_000)
    assert pinned_for(str(root / "train.py")) == {}


def test_random_words_cost_no_more_than_their_length(root: Path) -> None:
    """Patterns that step back: each of these took minutes with a careless one."""
    rng = random.Random(0)  # noqa: S311  # no secret
    for name in NAMES:
        words = ("".join(rng.choices(string.ascii_letters + " =-[]", k=50)) for _ in range(2000))
        text = "peft" + " " * 20_000 + "(" * 20_000 + "[" * 20_000 + "/peft" * 5000
        (root / name).write_text(text + "\n" + "\n".join(words))
    search.forget()
    assert pinned_for(str(root / "train.py")) == {}


def test_a_program_in_a_folder_that_is_not_there() -> None:
    assert pinned_for("/no/such/folder/train.py") == {}
    assert pinned_for("/no/such\0folder/train.py") == {}
