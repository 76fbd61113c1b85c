"""Each kind of file and command that says which versions are installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.sources.files import Files
from lora_lint.sources.pins import search
from lora_lint.sources.pins.combine import Pinned
from lora_lint.sources.pins.requirement import parse

COMMIT = "0dcb46e7a4a9e587ba84ff35778ab4233a184c11"


def pinned_for(path: str) -> dict[str, Pinned]:
    return search.pinned_for(path, Files())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def found(folder: Path, name: str = "train.py") -> dict[str, str]:
    """What is pinned for a program, in words; several ways to install are joined by a bar."""
    return {
        library: " | ".join(str(each) for each in pinned.candidates)
        for library, pinned in pinned_for(str(folder / name)).items()
    }


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("peft==0.15.2", "==0.15.2"),
        ("PEFT ~= 0.15.2", "~=0.15.2"),
        ("peft[extra,more] == 0.15.2", "==0.15.2"),
        ("peft===0.15.2", "==0.15.2"),
        ("peft==v0.15.2", "==0.15.2"),
        ("peft==0.12.0rc1", "==0.12.0rc1"),
        ("peft>=0.15,<0.17 ; python_version > '3.9'", ">=0.15,<0.17"),
        ("peft (>=0.15,<0.17)", ">=0.15,<0.17"),
        ("peft==0.15.*", "==0.15.*"),
        ("peft!=0.15.*", "!=0.15.*"),
        ("peft!=0.15.1,>=0.15,", "!=0.15.1,>=0.15"),
        ("peft<=0.15.2 # why", "<=0.15.2"),
        ("peft==0.15.2 --hash=sha256:abc \\", "==0.15.2"),
        ("peft==0.15.2+cu121", "==0.15.2"),
        ("peft", ""),
        ("peft @ git+https://github.com/huggingface/peft.git@v0.15.2", "==0.15.2"),
        ("peft@git+https://github.com/huggingface/peft", ""),
        ("git+https://github.com/huggingface/peft.git@v0.15.2#egg=peft", "==0.15.2"),
        ("git+https://github.com/huggingface/peft.git@v0.15.2-release", "==0.15.2"),
        ("git+ssh://git@github.com/huggingface/peft.git@refs/tags/v0.15.2", "==0.15.2"),
        (f"git+https://github.com/huggingface/peft@{COMMIT}", f"@{COMMIT}"),
        ("git+https://github.com/huggingface/peft@main", ""),
        ("git+https://github.com/somebody/peft@mine", "@mine"),
        ("git+https://github.com/somebody/peft@v0.15.2", "==0.15.2"),
        ("peft @ git+https://github.com/somebody/peft-with-more.git", "@a fork"),
        ("git+https://github.com/huggingface/peft#egg=peft", ""),
        ("peft @ https://x.org/peft-0.15.2-py3-none-any.whl", "==0.15.2"),
        ("https://github.com/huggingface/peft/archive/refs/tags/v0.15.2.tar.gz", "==0.15.2"),
    ],
)
def test_a_requirement(text: str, conditions: str) -> None:
    requirement = parse(text, "requirements.txt", 7)
    assert requirement is not None
    assert requirement.library == "peft"
    assert ",".join(each.text for each in requirement.conditions) == conditions
    assert {each.place for each in requirement.conditions} <= {"requirements.txt:7"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "torch==2.0",
        "mypeft==1.0",
        "peft-extra==1.0",
        "peft.extra==1.0",
        "not/peft==1.0",
        "./peft",
        "peft==abc",
        "peft==$VERSION",
        "peft=0.15",
        "peft>=",
        "peft==" + "9" * 5000,
        "peft==" + "1." * 40 + "1",
        "peft 0.15.2",
        "peft" + " " * 5000,
    ],
)
def test_what_is_no_requirement(text: str) -> None:
    assert parse(text, "requirements.txt") is None


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("requirements.txt", "torch\npeft==0.15.2\n", {"peft": "0.15.2"}),
        ("requirements-train.txt", "PEFT ~= 0.15.2 # why\n", {"peft": "~=0.15.2"}),
        ("dev_requirements.in", "peft[extra]==0.15.2\n", {"peft": "0.15.2"}),
        ("requirements.lock", "peft==0.15.2\n    # via trl\n", {"peft": "0.15.2"}),
        ("requirements.txt", "# peft==0.15.2\n", {}),
        ("requirements.txt", "peft\ntrl\n", {}),
        ("requirements.txt", "peft==0.15.2\npeft==0.14.0\n", {}),
        ("requirements.txt", "peft>=0.14\npeft<0.16\n", {"peft": ">=0.14,<0.16"}),
        ("requirements.txt", "-e git+https://x.org/peft@v0.15.2#egg=peft", {"peft": "0.15.2"}),
        (
            "pyproject.toml",
            '[project]\ndependencies = ["peft==0.15.2", "trl>=0.9"]\n'
            '[project.optional-dependencies]\ntrain = ["transformers ~= 4.46.0"]\n'
            '[dependency-groups]\ndev = ["bitsandbytes<0.45", {include-group = "x"}]\n',
            {
                "peft": "0.15.2",
                "trl": ">=0.9",
                "transformers": "~=4.46.0",
                "bitsandbytes": "<0.45",
            },
        ),
        (
            "pyproject.toml",
            '[project.optional-dependencies]\na = ["peft<0.10"]\nb = ["peft>=0.12"]\n',
            {"peft": "<0.10 | >=0.12"},
        ),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\npeft = "0.15.2"\ntrl = "^0.12"\n'
            'transformers = {version = "^4.30", extras = ["x"]}\nbitsandbytes = "~0.45.1"\n',
            {
                "peft": "0.15.2",
                "trl": ">=0.12,<0.13",
                "transformers": ">=4.30,<5",
                "bitsandbytes": ">=0.45.1,<0.46",
            },
        ),
        (
            "pyproject.toml",
            '[tool.poetry.group.train.dependencies]\npeft = "0.15.*"\ntrl = "*"\n'
            'transformers = {git = "https://x.org/transformers", tag = "v4.40.0"}\n',
            {"peft": "==0.15.*", "transformers": "4.40.0"},
        ),
        (
            "pyproject.toml",
            '[tool.uv]\ndev-dependencies = ["peft>=0.15"]\n'
            'constraint-dependencies = ["peft<0.17"]\n'
            "[tool.uv.sources]\ntrl = {index = 'x'}\n"
            f"transformers = {{git = 'https://x.org/transformers', rev = '{COMMIT}'}}\n",
            {"peft": "<0.17 | >=0.15,<0.17", "transformers": f"@{COMMIT}"},
        ),
        (
            "pyproject.toml",
            '[tool.pdm.dev-dependencies]\ntest = ["peft==0.15.2"]\n'
            '[tool.hatch.envs.default]\ndependencies = ["trl==0.12.0"]\n',
            {"peft": "0.15.2", "trl": "0.12.0"},
        ),
        ("pyproject.toml", '[tool.other]\npeft = "0.15.2"\n', {}),
        ("pyproject.toml", "peft = [[[", {}),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n  peft==0.15.2\n"
            "[options.extras_require]\ntrain =\n  trl<0.10\n  torch\n",
            {"peft": "0.15.2", "trl": "<0.10"},
        ),
        ("setup.cfg", "[metadata]\nname = peft\n", {}),
        ("setup.cfg", "peft", {}),
        (
            "setup.py",
            "from setuptools import setup\nBASE = ['peft>=0.15']\n"
            "setup(install_requires=BASE + ['trl==0.12.0', other()], "
            "extras_require={'gpu': ['bitsandbytes<0.45']})\n",
            {"peft": ">=0.15", "trl": "0.12.0", "bitsandbytes": "<0.45"},
        ),
        (
            "setup.py",
            "import setuptools\n_deps = ['trl>=0.19.1', 'transformers>=4.53.3']\n"
            "deps = {b: a for a, b in (x.split('>') for x in _deps)}\n"
            "extras = {}\nextras['x'] = [deps['trl']]\n"
            "setuptools.setup(install_requires=[deps['transformers'], *extras['x']])\n",
            {"transformers": ">=4.53.3"},
        ),
        ("setup.py", "setup(install_requires=A)\nA = B\nB = A\nA = ['peft==1']\n", {}),
        ("setup.py", "peft ==", {}),
        (
            "Pipfile",
            '[packages]\npeft = "==0.15.2"\ntrl = "*"\n[dev-packages]\n'
            'transformers = {ref = "v4.40.0", git = "https://x.org/transformers"}\n',
            {"peft": "0.15.2", "transformers": "4.40.0"},
        ),
        (
            "Pipfile.lock",
            json.dumps({"_meta": {}, "default": {"peft": {"version": "==0.15.2"}, "x": {}}}),
            {"peft": "0.15.2"},
        ),
        ("Pipfile.lock", '{"peft"', {}),
        ("Pipfile.lock", "[" * 100_000 + '"peft"', {}),
        (
            "uv.lock",
            '[[package]]\nname = "peft"\nversion = "0.15.2"\n\n[[package]]\nname = "torch"\n'
            'version = "2.7.0+cu126"\n[package.metadata]\nversion = "9"\n',
            {"peft": "0.15.2"},
        ),
        (
            "uv.lock",
            '[[package]]\nname = "peft"\nversion = "0.15.2"\n'
            '[[package]]\nname = "trl"\nversion = "0.9.6"\n'
            '[[package]]\nname = "trl"\nversion = "0.12.0"\n',
            {"peft": "0.15.2", "trl": "0.9.6 | 0.12.0"},
        ),
        ("poetry.lock", '[[package]]\nname = "trl"\nversion = "0.12.0"\n', {"trl": "0.12.0"}),
        ("pdm.lock", '[[package]]\nname = "trl"\nversion = "0.12.0rc1"\n', {"trl": "0.12.0rc1"}),
        (
            "conda-lock.yml",
            "package:\n- name: peft\n  version: 0.15.2\n  platform: linux-64\n"
            "- name: peft\n  version: 0.15.2\n  platform: osx-64\n",
            {"peft": "0.15.2"},
        ),
        (
            "environment.yml",
            "dependencies:\n  - python=3.11\n  - conda-forge::peft=0.15.2\n  - trl=0.12.0=py_0\n"
            "  - pip:\n    - transformers==4.46.3\n    - accelerate>=1\n  - bitsandbytes=0.45\n",
            {
                "peft": "0.15.2",
                "trl": "0.12.0",
                "transformers": "4.46.3",
                "bitsandbytes": "==0.45.*",
            },
        ),
        (
            "environment-gpu.yaml",
            "dependencies:\n- peft>=0.15,<0.17\n- trl 0.12.0\n- 'transformers=4.*' # old\n",
            {"peft": ">=0.15,<0.17", "trl": "0.12.0", "transformers": "==4.*"},
        ),
        ("conda.yml", "dependencies:\n  - peft=0.15.2\n", {"peft": "0.15.2"}),
        ("other.yml", "dependencies:\n  - peft=0.15.2\n", {}),
        (
            "install.sh",
            "pip install torch 'peft>=0.10'\nuv pip install --no-deps trl==0.9.6\n"
            'python -m pip install -q "transformers>=4.40,<5"\necho pip install peft==0.1\n',
            {"peft": ">=0.10", "trl": "0.9.6", "transformers": ">=4.40,<5"},
        ),
        (
            "setup_env.sh",
            "V=0.9.6\npip install peft==0.10.0\nconda install -y -c x trl=$V && "
            "pip install peft==0.11.0\npip install peft\npip install transformers==$UNKNOWN\n",
            {"peft": "0.11.0", "trl": "0.9.6"},
        ),
        (
            "install.sh",
            "git clone https://github.com/huggingface/transformers.git\ncd transformers\n"
            "git checkout tags/v4.35.2\npip install .\ncd ../other\n",
            {"transformers": "4.35.2"},
        ),
        ("install.sh", "git checkout v4.35.2 # of transformers\n", {}),
        ("create_env.sh", "pip install wandb transformers==4.37.2\n", {"transformers": "4.37.2"}),
        ("train.sh", "pip install peft==0.15.2\n", {}),
        ("notes.txt", "peft==0.15.2", {}),
        ("requirements.txt", "\x00\xff\npeft==0.15.2", {"peft": "0.15.2"}),
    ],
)
def test_one_file(root: Path, name: str, text: str, wanted: dict[str, str]) -> None:
    (root / name).write_text(text, encoding="latin-1")
    assert found(root) == wanted


def test_a_list_that_powershell_wrote_is_read(root: Path) -> None:
    (root / "requirements.txt").write_text("peft==0.15.2\r\n", encoding="utf-16")
    assert found(root) == {"peft": "0.15.2"}


def test_a_folder_of_lists_is_read(root: Path) -> None:
    (root / "requirements").mkdir()
    (root / "requirements" / "train.txt").write_text("peft==0.15.2\n")
    (root / "requirements" / "base.in").write_text("trl<0.20\n")
    (root / "requirements" / "notes.md").write_text("transformers==4.0\n")
    assert found(root) == {"peft": "0.15.2", "trl": "<0.20"}
    places = {
        p for each in pinned_for(str(root / "a.py")).values() for p in each.candidates[0].places
    }
    assert places == {"requirements/train.txt:1", "requirements/base.in:1"}


DOCKER = """\
ARG TRL=0.12.0
FROM python:3.11
ENV PEFT_VERSION=0.15.2
# transformers==4.0
RUN --mount=type=cache,target=/x pip install "peft==${PEFT_VERSION}" \\
    # the trainer
    trl==$TRL && \\
    pip install 'transformers<5'
"""


@pytest.mark.parametrize(
    ("end", "counts"),
    [
        ("COPY . /app", True),
        ("COPY --chown=me:me . /app", True),
        ("ADD train.py /app/", True),
        ("COPY src/ /app/", True),
        ("COPY src/train.py /app/", True),
        ('CMD ["python", "src/train.py"]', True),
        ("ENTRYPOINT python /app/train.py --x", True),
        ("COPY serve.py /app/", False),
        ("COPY serve.py .", False),
        ("COPY --from=build . /app", False),
        ("COPY serve.py \\\n  train.py \\\n  /app/", True),
        ('COPY ["src", "/app/"]', True),
        ('CMD ["python", "serve.py"]', False),
        ("COPY other/ /app/", False),
        ("", False),
    ],
)
def test_a_dockerfile_counts_for_what_it_copies_or_starts(
    root: Path, end: str, counts: bool
) -> None:
    (root / "Dockerfile").write_text(DOCKER + end + "\n")
    (root / "src").mkdir()
    wanted = {"peft": "0.15.2", "trl": "0.12.0", "transformers": "<5"}
    assert found(root / "src") == (wanted if counts else {})
