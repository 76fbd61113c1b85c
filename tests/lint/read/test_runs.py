"""A run is read across the files of its repository: imports, callers, commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_lint.engine.run import Request, Run
from lora_lint.sources.discover import Found
from lora_rules.recipe import Recipe

ADAPTER = """
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
"""
BUILD = (
    ADAPTER
    + """
def build(name, rank, alpha=16):
    base = AutoModelForCausalLM.from_pretrained(name)
    return get_peft_model(base, LoraConfig(r=rank, lora_alpha=alpha))
"""
)
PARSE = """
import argparse
def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lora-r", type=int, default=8)
    parser.add_argument("--base", default="gpt2")
    parser.add_argument("--use_lora", action="store_true")
    return parser.parse_args()
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py").replace("_sh", ".sh")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def recipes(path: str, *, follow: bool = True) -> tuple[Recipe, ...]:
    run = Run(Request(follow=follow))
    found = run.recipes(Found(path, named=True))
    assert not run.troubles
    return found


def one(path: str) -> Recipe:
    found = recipes(path)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("line", "use"),
    [
        ("from config import RANK", "RANK"),
        ("from config import RANK as R", "R"),
        ("from config import *", "RANK"),
        ("import config", "config.RANK"),
        ("import config as c", "c.RANK"),
        ("from config import cfg", "cfg.rank"),
        ("from config import Cfg", "Cfg().rank"),
        ("from config import Cfg", "Cfg.rank"),
        ("from config import table", "table['r']"),
        ("import pkg.deep", "pkg.deep.RANK"),
        ("from pkg import deep", "deep.RANK"),
        ("from pkg.deep import RANK", "RANK"),
        ("from pkg import again", "again"),
    ],
)
def test_an_import_binds_what_the_module_leaves(repository: Path, line: str, use: str) -> None:
    config = (
        "from dataclasses import dataclass\n"
        "RANK = 4\nRANK = 32\ntable = {'r': 32}\n"
        "@dataclass\nclass Cfg:\n    rank: int = 32\ncfg = Cfg()\n"
    )
    write(repository, config_py=config, pkg__deep_py="RANK = 32\n")
    (repository / "pkg" / "__init__.py").write_text("from .deep import RANK as again\n")
    write(repository, train_py=f"{ADAPTER}{line}\nLoraConfig(r={use})\n")
    recipe = one("train.py")
    assert recipe.settings["r"].candidates == (32,)
    declared = recipe.settings["r"].declared
    assert declared is not None
    assert declared.path in ("config.py", "pkg/deep.py")


def test_nothing_is_followed_outside_a_repository_or_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(
        tmp_path,
        config_py="RANK = 32\n",
        train_py=f"{ADAPTER}from config import RANK\nLoraConfig(r=RANK)",
    )
    assert recipes("train.py")[0].settings["r"].candidates == ()
    (tmp_path / ".git").mkdir()
    assert recipes("train.py")[0].settings["r"].candidates == (32,)
    assert recipes("train.py", follow=False)[0].settings["r"].candidates == ()


def test_a_link_out_of_the_repository_is_not_read(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "config.py"
    outside.write_text("RANK = 32\n")
    (repository / "config.py").symlink_to(outside)
    write(repository, train_py=f"{ADAPTER}from config import RANK\nLoraConfig(r=RANK)")
    assert one("train.py").settings["r"].candidates == ()


def test_names_of_libraries_stay_libraries(repository: Path) -> None:
    write(
        repository,
        datasets_py="RANK = 32\n",
        train_py=f"{ADAPTER}from datasets import RANK\nLoraConfig(r=RANK)",
    )
    assert one("train.py").settings["r"].candidates == ()


def test_two_files_of_one_name_are_unknown(repository: Path) -> None:
    write(repository, config_py="RANK = 32\n", sub__config_py="RANK = 8\n")
    write(repository, sub__train_py=f"{ADAPTER}from config import RANK\nLoraConfig(r=RANK)")
    assert one("sub/train.py").settings["r"].candidates == ()


@pytest.mark.parametrize(
    "modules",
    [
        {"a_py": "from b import R", "b_py": "from a import R"},
        {"a_py": "from a import R"},
        {"a_py": "from b import *", "b_py": "from a import *"},
        {"a_py": "R = 8\nR = R + missing"},
    ],
)
def test_circles_end_as_unknown(repository: Path, modules: dict[str, str]) -> None:
    write(repository, **modules)
    write(repository, train_py=f"{ADAPTER}from a import R\nLoraConfig(r=R)")
    assert one("train.py").settings["r"].candidates == ()


def test_values_come_from_the_callers_in_other_files(repository: Path) -> None:
    write(repository, model_py=BUILD, args_py=PARSE)
    main = (
        "from args import get_args\nfrom model import build as make\n"
        "a = get_args()\nmake(a.base, a.lora_r)\n"
    )
    write(repository, train_py=main)
    recipe = one("model.py")
    assert recipe.settings["r"].candidates == (8,)
    assert recipe.settings["r"].overridable
    assert recipe.settings["model_name_or_path"].candidates == ("gpt2",)
    assert recipe.settings["r"].declared is not None
    assert recipe.settings["r"].declared.path == "args.py"


def test_tests_are_no_callers(repository: Path) -> None:
    write(repository, model_py=BUILD, train_py="from model import build\nbuild('gpt2', 16)\n")
    write(repository, tests__test_model_py="from model import build\nbuild('gpt2', 1)\n")
    assert one("model.py").settings["r"].candidates == (16,)


def test_what_a_module_makes_and_another_trains_belongs_together(repository: Path) -> None:
    write(repository, model_py=BUILD)
    main = (
        "from model import build\nfrom transformers import Trainer, TrainingArguments\n"
        "model = build('gpt2', 16)\n"
        "Trainer(model, TrainingArguments('out', learning_rate=1e-3)).train()\n"
    )
    write(repository, train_py=main)
    recipe = one("model.py")
    assert recipe.settings["learning_rate"].candidates == (1e-3,)
    span = recipe.settings["learning_rate"].span
    assert span is not None
    assert span.path == "train.py"


@pytest.mark.parametrize(
    "command",
    [
        "python train.py --lora_r 64",
        "python ./train.py --lora-r=64",
        "torchrun --nproc_per_node 2 train.py --lora_r 64",
        "accelerate launch --config_file a.yaml train.py --lora_r 64",
        "uv run python train.py --lora_r 64",
        "R=64\nCUDA_VISIBLE_DEVICES=0 python3 train.py --lora_r $R",
        "python -m train --lora_r 64",
    ],
)
def test_a_command_gives_options_their_values(repository: Path, command: str) -> None:
    write(repository, args_py=PARSE, run_sh=command)
    write(
        repository,
        train_py=f"{ADAPTER}from args import get_args\na = get_args()\nLoraConfig(r=a.lora_r)",
    )
    recipe = one("train.py")
    assert recipe.settings["r"].candidates == (64,)
    assert not recipe.settings["r"].overridable
    assert "run.sh" in recipe.settings["r"].source
    assert recipe.started is not None
    assert recipe.started.path == "run.sh"


def test_each_command_is_a_run_of_its_own(repository: Path) -> None:
    write(
        repository,
        args_py=PARSE,
        run_sh="python train.py --lora_r 64\npython train.py --base opt\n",
    )
    main = (
        f"{ADAPTER}from args import get_args\na = get_args()\n"
        "m = AutoModelForCausalLM.from_pretrained(a.base)\n"
    )
    write(repository, train_py=f"{main}get_peft_model(m, LoraConfig(r=a.lora_r))")
    found = [
        (each.settings["r"].value, each.settings["model_name_or_path"].value)
        for each in recipes("train.py")
    ]
    assert found == [(64, "gpt2"), (8, "opt")]


def test_a_run_that_leaves_the_adapter_out_is_none_of_it(repository: Path) -> None:
    write(
        repository,
        args_py=PARSE,
        run_sh="python train.py --use_lora --lora_r 64\npython train.py\n",
    )
    main = "from args import get_args\na = get_args()\nif a.use_lora:\n    LoraConfig(r=a.lora_r)"
    write(repository, train_py=f"{ADAPTER}{main}")
    assert one("train.py").settings["r"].candidates == (64,)


def test_a_dataclass_is_filled_by_the_command(repository: Path) -> None:
    main = (
        "from dataclasses import dataclass\nimport transformers\n"
        "@dataclass\nclass Args:\n    rank: int = 8\n    base: str = 'gpt2'\n"
        "@dataclass\nclass Training(transformers.TrainingArguments):\n"
        "    optim: str = 'adamw_torch'\n"
        "def main():\n"
        "    args, training = transformers.HfArgumentParser((Args, Training))"
        ".parse_args_into_dataclasses()\n"
        "    model = AutoModelForCausalLM.from_pretrained(args.base)\n"
        "    model = get_peft_model(model, LoraConfig(r=args.rank))\n"
        "    transformers.Trainer(model=model, args=training).train()\nmain()\n"
    )
    write(repository, train_py=f"{ADAPTER}{main}")
    recipe = one("train.py")
    assert recipe.settings["learning_rate"].candidates == ()  # nobody chose transformers' default
    assert recipe.settings["optim"].candidates == ("adamw_torch",)
    write(repository, run_sh="python train.py --rank 32 --learning_rate 1e-4 --bf16 True")
    recipe = one("train.py")
    assert recipe.settings["r"].candidates == (32,)
    assert recipe.settings["learning_rate"].candidates == (1e-4,)
    assert recipe.settings["bf16"].candidates == (True,)
    assert recipe.settings["num_train_epochs"].candidates == (3.0,)


def test_a_finding_stands_where_the_value_does(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lora_lint.cli.main import main

    write(repository, config_py="DROPOUT = 0.9\n")
    write(
        repository,
        train_py=f"{ADAPTER}from config import DROPOUT\nLoraConfig(lora_dropout=DROPOUT)",
    )
    assert main(["train.py", "--no-cache"]) == 1
    told = capsys.readouterr().out
    assert "config.py:1:11: warning: LL302" in told
    assert "train.py:5 |" in told


def test_a_comment_beside_the_value_suppresses_it(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lora_lint.cli.main import main

    write(repository, config_py="DROPOUT = 0.9  # lora-lint: ignore[LL302] an experiment\n")
    write(
        repository,
        train_py=f"{ADAPTER}from config import DROPOUT\nLoraConfig(lora_dropout=DROPOUT)",
    )
    main(["train.py", "--no-cache"])
    assert "LL302" not in capsys.readouterr().out


def test_following_is_turned_off_by_an_option_or_a_setting(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lora_lint.cli.main import main
    from lora_lint.engine import config

    write(repository, config_py="DROPOUT = 0.9\n")
    write(
        repository,
        train_py=f"{ADAPTER}from config import DROPOUT\nLoraConfig(lora_dropout=DROPOUT)",
    )
    assert main(["--no-follow", "train.py"]) == 0
    assert main(["check", "train.py", "--no-follow"]) == 0
    assert main(["train.py"]) == 1
    (repository / "lora-lint.toml").write_text("follow = false\n")
    config._cache.clear()
    assert main(["train.py"]) == 0
    capsys.readouterr()
    main(["show", "--no-follow", "--format", "json", "train.py"])
    assert "0.9" not in capsys.readouterr().out


def test_a_command_that_is_read_with_its_program_is_reported_once(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lora_lint.cli.main import main

    parse = "import argparse\np = argparse.ArgumentParser()\n"
    option = "p.add_argument('--lora_dropout', type=float, default=0.0)\na = p.parse_args()\n"
    write(repository, train_py=f"{ADAPTER}{parse}{option}LoraConfig(lora_dropout=a.lora_dropout)\n")
    write(repository, run_sh="python train.py --lora_dropout 0.9\n")
    assert main([".", "--no-cache"]) == 1
    told = capsys.readouterr().out
    assert told.count("run.sh:1:32: warning: LL302") == 1
