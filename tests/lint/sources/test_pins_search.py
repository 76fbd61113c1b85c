"""Which statements count for a recipe, and what they say together."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_lint.engine.check import recipes_of
from lora_lint.engine.config import Config
from lora_lint.sources.files import Files
from lora_lint.sources.pins import requirements_txt, search
from lora_lint.sources.pins.combine import Pinned
from lora_lint.sources.pins.search import fingerprint
from lora_lint.sources.source import Source
from lora_rules.recipe import Recipe


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def write(folder: Path, **files: str) -> None:
    """Write files, whose names have two underscores for a dot, and forget what was read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".").replace("_", "-")).write_text(text)
    search.forget()


def pinned_for(path: str) -> dict[str, Pinned]:
    return search.pinned_for(path, Files())


def found(folder: Path) -> dict[str, str]:
    return {
        library: " | ".join(str(each) for each in pinned.candidates)
        for library, pinned in pinned_for(str(folder / "train.py")).items()
    }


def recipe(folder: Path, text: str = "import peft\npeft.LoraConfig(r=8)\n") -> Recipe:
    path = folder / "train.py"
    (one,) = recipes_of(Source(str(path), "python", text.encode()), Config(), {})
    return one


def pinned_in(one: Recipe, library: str) -> list[str]:
    """What the rules get: the ranges of versions, one for each way to install."""
    return [str(each) for each in one.settings[f"pinned_{library}"].candidates]


def test_the_nearest_folder_counts_and_the_root_is_the_end(root: Path) -> None:
    deep = root / "examples" / "sft"
    write(root, requirements__txt="peft==0.15.2\ntrl==0.12.0\n")
    write(deep)
    assert found(deep) == {"peft": "0.15.2", "trl": "0.12.0"}
    write(root / "examples", requirements__txt="peft==0.14.0\n")
    assert found(deep) == {"peft": "0.14.0", "trl": "0.12.0"}
    write(deep, requirements__txt="peft\n")
    assert found(deep) == {"peft": "0.14.0", "trl": "0.12.0"}
    (deep / ".git").mkdir()
    search.forget()
    assert found(deep) == {}


def test_a_lock_file_is_an_exact_version_and_the_end(root: Path) -> None:
    write(root, requirements__txt="transformers<5\n")
    here = root / "project"
    write(here, pyproject__toml='[project]\ndependencies = ["peft>=0.10"]\n')
    assert found(here) == {"peft": ">=0.10", "transformers": "<5"}
    write(here, uv__lock='[[package]]\nname = "peft"\nversion = "0.15.2"\n')
    assert found(here) == {"peft": "0.15.2"}


def test_what_is_always_installed_holds_together(root: Path) -> None:
    write(
        root,
        setup__py="setup(install_requires=['transformers>=4.30', 'peft'])\n",
        requirements__txt="transformers<5\n-r limits.txt",
        limits__txt="transformers!=4.40.0\n",
    )
    assert found(root) == {"transformers": "<5,!=4.40.0,>=4.30"}
    places = pinned_for(str(root / "train.py"))["transformers"].candidates[0].places
    assert set(places) == {"setup.py:1", "requirements.txt:1", "limits.txt:1"}


@pytest.mark.parametrize(
    "file",
    [
        {"requirements_dev__txt": "-r requirements.txt\ntransformers==4.46.3\n"},
        {"setup__py": "setup(extras_require={'dev': ['transformers==4.46.3']})\n"},
        {"setup__cfg": "[options.extras_require]\ndev = transformers==4.46.3\n"},
        {"pyproject__toml": "[dependency-groups]\ndev = ['transformers==4.46.3']\n"},
        {"environment_gpu__yml": "dependencies:\n- transformers=4.46.3\n"},
        {"install_gpu__sh": "pip install transformers==4.46.3\n"},
        {"Dockerfile": "RUN pip install transformers==4.46.3\nCOPY . .\n"},
    ],
)
def test_what_is_optional_is_another_way(root: Path, file: dict[str, str]) -> None:
    write(root, requirements__txt="transformers>=4.30,<6\npeft\n", **file)
    (always, optional) = pinned_for(str(root / "train.py"))["transformers"].candidates
    assert str(always) == ">=4.30,<6"
    assert optional.exact == "4.46.3"
    (root / "requirements.txt").write_text("transformers\n")
    search.forget()
    assert found(root) == {"transformers": "4.46.3"}


def test_files_that_disagree_are_several_ways_to_install(root: Path) -> None:
    write(
        root,
        pyproject__toml="[project]\ndependencies = ['transformers==5.1.0', 'trl==1.0.0']\n",
        requirements__txt="transformers==4.46.3\ntrl==0.12.0\n",
        setup__py="setup(install_requires=['transformers>=4.30', 'peft>=0.10'])\n",
    )
    assert found(root) == {
        "transformers": "5.1.0 | 4.46.3",
        "trl": "1.0.0 | 0.12.0",
        "peft": ">=0.10",
    }
    pinned = pinned_for(str(root / "train.py"))
    assert pinned["transformers"].choices == pinned["trl"].choices
    assert len({choices[0].point for choices in pinned["trl"].choices}) == 1
    assert [choices[0].arm for choices in pinned["trl"].choices] == [0, 1]
    assert pinned["peft"].choices == ()


def test_a_way_that_does_not_speak_of_a_library_leaves_it_open(root: Path) -> None:
    write(
        root,
        requirements_a__txt="transformers==5.1.0\ntrl==1.0.0\n",
        requirements_b__txt="transformers==4.46.3\ntrl==0.12.0\n",
        requirements_c__txt="transformers==4.30.0\n",
    )
    assert found(root) == {
        "transformers": "5.1.0 | 4.46.3 | 4.30.0",
        "trl": "1.0.0 | 0.12.0 | ==1.0.0 or ==0.12.0",
    }


def test_a_lock_file_that_contradicts_a_list_is_another_way(root: Path) -> None:
    write(root, requirements__txt="peft==0.14.0\ntrl==0.12.0\n")
    write(root, uv__lock='[[package]]\nname = "peft"\nversion = "0.15.2"\n')
    assert found(root)["peft"] == "0.14.0 | 0.15.2"


def test_of_very_many_ways_only_what_any_allows_is_kept(root: Path) -> None:
    for number in range(9):
        write(root, **{f"requirements_{number}__txt": f"peft==0.{number}.0\n"})
    (candidate,) = pinned_for(str(root / "train.py"))["peft"].candidates
    assert len(candidate.alternatives) == 9
    assert candidate.certainly_below("0.9")
    assert not candidate.certainly_below("0.8")


def test_a_commit_and_a_version_are_different_ways(root: Path) -> None:
    commit = "peft @ git+https://x.org/peft@0dcb46e\n"
    write(root, requirements_a__txt=commit, requirements_b__txt="peft==0.15.2\n")
    assert found(root) == {"peft": "@0dcb46e | 0.15.2"}
    assert pinned_in(recipe(root), "peft") == ["@0dcb46e", "0.15.2"]


MARKED = "transformers==4.40.0; {}\ntransformers>=5; {}\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (MARKED.format("python_version < '3.9'", "python_version >= '3.9'"), "4.40.0 | >=5"),
        ("transformers==4.40.0; python_version >= '3.7'", "4.40.0"),
        ("transformers==4.40.0; python_version < '3'", None),
        ("transformers==4.40.0; python_version < '3.9'", "4.40.0 | any version"),
        ("transformers==4.40.0; implementation_name == 'cpython'", "4.40.0"),
        ("transformers==4.40.0; extra == 'train'", "4.40.0"),
        (
            "transformers==4.40.0; sys_platform == 'darwin'\n"
            "transformers==4.41.0; sys_platform != 'darwin'\n",
            "4.41.0 | 4.40.0",
        ),
        (
            "transformers==4.40.0; python_version < '3.9' and sys_platform == 'linux'\n"
            "transformers>=4.30",
            "4.40.0 | >=4.30",
        ),
        ("transformers==4.40.0; nonsense", "4.40.0"),
    ],
)
def test_markers(root: Path, text: str, wanted: str | None) -> None:
    write(root, requirements__txt=text)
    assert found(root).get("transformers") == wanted


def test_a_library_that_only_one_file_asks_for_is_not_there_without_it(root: Path) -> None:
    write(root, requirements__txt="bitsandbytes==0.49.1; sys_platform != 'darwin'\n")
    assert found(root) == {"bitsandbytes": "0.49.1"}


@pytest.mark.parametrize(
    ("python", "wanted"),
    [
        (">=3.10", ">=5"),
        ("<3.9", "4.40.0"),
        (">=3.8", "4.40.0 | >=5"),
        ("nonsense", "4.40.0 | >=5"),
    ],
)
def test_the_versions_of_python_that_a_project_is_for_decide_markers(
    root: Path, python: str, wanted: str
) -> None:
    first, second = MARKED.format(
        'python_version < \\"3.9\\"', 'python_version >= \\"3.9\\"'
    ).split("\n")[:2]
    text = f'[project]\nrequires-python = "{python}"\ndependencies = ["{first}", "{second}"]\n'
    write(root, pyproject__toml=text)
    assert found(root) == {"transformers": wanted}


def test_poetry_says_python_beside_the_version(root: Path) -> None:
    text = (
        "[tool.poetry.dependencies]\npython = '^3.10'\ntransformers = [\n"
        "  {version = '4.40.0', python = '<3.9'},\n  {version = '>=5', python = '>=3.9'}]\n"
    )
    write(root, pyproject__toml=text)
    assert found(root) == {"transformers": ">=5"}


def test_a_list_includes_others_and_constraints(root: Path) -> None:
    write(root, requirements__txt="-r more/base.txt\n--constraint=limits.txt\n")
    write(root / "more", base__txt="peft>=0.10\n  -r ./deep.txt # too\n", deep__txt="trl==0.12.0\n")
    write(root, limits__txt="peft<0.17\ntransformers<5\n")
    assert found(root) == {"peft": ">=0.10,<0.17", "trl": "0.12.0", "transformers": "<5"}


def test_lists_that_include_each_other_end(root: Path) -> None:
    write(root, requirements__txt="-r requirements-b.txt\npeft>=0.10\n")
    write(root, requirements_b__txt="-r requirements.txt\n-r requirements-b.txt\npeft<0.17\n")
    assert found(root) == {"peft": ">=0.10,<0.17"}


def test_a_long_chain_of_lists_is_cut(root: Path) -> None:
    for number in range(500):
        (root / f"part{number}.txt").write_text(f"-r part{number + 1}.txt\npeft!=0.1.{number}\n")
    write(root, requirements__txt="-r part0.txt\n")
    (candidate,) = pinned_for(str(root / "train.py"))["peft"].candidates
    assert len(candidate.alternatives[0]) == requirements_txt.MAX_FILES - 1


def test_every_file_that_is_looked_for_is_noted_each_time(root: Path) -> None:
    write(root, requirements__txt="-r missing.txt\npeft==0.15.2\n")
    for _ in range(2):
        files = Files()
        search.pinned_for(str(root / "train.py"), files)
        assert {str(root / "requirements.txt"), str(root / "missing.txt")} <= files.looked_for


def test_the_names_of_the_files_are_in_the_fingerprint(root: Path) -> None:
    (root / "requirements").mkdir()
    before = fingerprint(str(root))
    for name in ("Dockerfile", "uv.lock", "requirements/a.txt", "environment-x.yml"):
        (root / name).write_text("")
        search.forget()
        assert fingerprint(str(root)) != before
        before = fingerprint(str(root))
    (root / "checkpoint.bin").write_text("")
    search.forget()
    assert fingerprint(str(root)) == before


def test_rules_get_ranges_with_their_places(root: Path) -> None:
    write(root, requirements__txt="transformers>=4.30,<5\n")
    one = recipe(root)
    assert pinned_in(one, "transformers") == [">=4.30,<5"]
    assert one.settings["pinned_transformers"].source == "requirements.txt:1"
    assert "pinned_peft" not in one.settings


def test_what_a_notebook_installs_wins(root: Path) -> None:
    import json

    write(root, requirements__txt="transformers==4.46.3\npeft==0.15.2\ntrl==0.12.0\n")
    cells = [
        "%pip install -U transformers\n!uv pip install 'peft>=0.10,<0.12'",
        "%%bash\npip install trl==0.9.6",
        "from peft import LoraConfig\nLoraConfig(r=4)",
    ]
    data = {"cells": [{"cell_type": "code", "source": cell} for cell in cells], "nbformat": 4}
    source = Source(str(root / "x.ipynb"), "notebook", json.dumps(data).encode())
    (one,) = recipes_of(source, Config(), {})
    assert "pinned_transformers" not in one.settings  # the newest is asked for
    assert pinned_in(one, "peft") == [">=0.10,<0.12"]
    assert pinned_in(one, "trl") == ["0.9.6"]
    assert one.settings["pinned_trl"].source == "the notebook"


def test_what_a_script_installs_wins(root: Path) -> None:
    write(root, requirements__txt="transformers==5.1.0\n")
    text = (
        "pip install 'transformers<4.52'\nswift sft --model Qwen/Qwen2.5-7B --train_type lora "
        "--lora_rank 8 --lora_alpha 32 --dataset x\n"
    )
    source = Source(str(root / "train.sh"), "shell", text.encode())
    (one,) = recipes_of(source, Config(), {})
    assert pinned_in(one, "transformers") == ["<4.52"]
    assert one.settings["pinned_transformers"].source == "train.sh:1"


def test_a_copy_in_the_repository_comes_before_what_is_installed(root: Path) -> None:
    write(root, requirements__txt="peft==0.15.2\ntrl==0.12.0\n")
    (root / "peft" / "src" / "peft").mkdir(parents=True)
    (root / "peft" / "src" / "peft" / "__init__.py").write_text('__version__ = "0.3.0.dev0"\n')
    search.forget()
    pins = pinned_for(str(root / "train.py"))
    assert [each.at_commit for each in pins["peft"].candidates] == [True]
    assert [each.at_commit for each in pins["trl"].candidates] == [False]


def test_a_librarys_own_repository_is_no_copy(root: Path) -> None:
    (root / "src" / "peft").mkdir(parents=True)
    (root / "src" / "peft" / "__init__.py").write_text('__version__ = "0.3.0.dev0"\n')
    search.forget()
    assert pinned_for(str(root / "train.py")) == {}
