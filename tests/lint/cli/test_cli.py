"""The program as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from lora_lint.cli.arguments import check_parser
from lora_lint.cli.main import main
from lora_lint.cli.options import Options, of_paths

BAD = "from peft import LoraConfig\n\nconfig = LoraConfig(r=8, lora_alpha=0)\n"
WARNED = "from peft import LoraConfig\n\nconfig = LoraConfig(r=8, lora_alpha=100)\n"
GOOD = "from peft import LoraConfig\n\nconfig = LoraConfig(r=8, lora_alpha=16)\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("bad.py", BAD), ("warned.py", WARNED), ("good.py", GOOD)):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.py"], 0),
        (["bad.py"], 1),
        (["warned.py"], 1),
        (["--fail-on", "error", "warned.py"], 0),
        (["--ignore", "LL102", "warned.py"], 0),
        (["--select", "LL3", "bad.py", "warned.py"], 0),
        (["--select", "LL3", "--extend-select", "LL101", "bad.py"], 1),
        (["--select", "alpha-rank-ratio-out-of-range", "warned.py"], 1),
        (["."], 1),
        (["missing.py"], 2),
        (["--select", "LL1O2", "good.py"], 2),
        (["--gpu", "RTX 4900", "good.py"], 2),
        (["--gpu-count", "0", "good.py"], 2),
    ],
)
def test_exit_codes(here: Path, arguments: list[str], code: int) -> None:
    assert main(arguments) == code


def test_no_matching_file_is_success_with_a_word(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "plain.py").write_text("x = 1\n")
    assert main(["plain.py"]) == 0
    assert capsys.readouterr().out == "no LoRA configuration found (1 file looked at)\n"


def test_a_named_file_that_does_not_parse_is_trouble(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / "broken.yaml").write_text("lora_r: [8\nlora_alpha: 16\n")
    assert main(["broken.yaml", "good.py"]) == 2
    assert main(["."]) == 1  # found by walking: told, but the others' findings decide
    told = capsys.readouterr()
    assert "broken.yaml" in told.out + told.err
    assert "Traceback" not in told.out + told.err


def test_a_mistyped_ignore_is_a_warning(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--ignore", "LL999", "good.py"]) == 0
    assert "warning: ignore: no rule is called 'LL999'" in capsys.readouterr().err


def test_an_unknown_gpu_names_the_nearest(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--gpu", "RTX 4900", "good.py"]) == 2
    assert "RTX 4090" in capsys.readouterr().err


def test_a_suppression_counts_and_an_unused_one_is_told(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / "warned.py").write_text(
        "from peft import LoraConfig\n\n"
        "# lora-lint: ignore[LL102] tuned together\n"
        "config = LoraConfig(\n    r=8,\n    lora_alpha=100,\n)\n"
    )
    (here / "good.py").write_text(GOOD.replace("16)", "16)  # lora-lint: ignore[LL102]"))
    assert main(["warned.py"]) == 0
    capsys.readouterr()
    assert main(["good.py"]) == 1
    assert "LL090" in capsys.readouterr().out
    assert main(["--select", "LL3,LL090", "good.py"]) == 0  # LL102 did not run: not judged


def test_standard_input(here: Path) -> None:
    for text, code in ((GOOD, 0), (BAD, 1)):
        done = subprocess.run(
            [sys.executable, "-m", "lora_lint", "-", "--stdin-filename", "x.py"],
            input=text.encode(),
            capture_output=True,
        )
        assert done.returncode == code, done.stderr


def test_options_from_settings_reach_the_rule(here: Path) -> None:
    (here / "lora-lint.toml").write_text("[rules.alpha-rank-ratio-out-of-range]\nmax = 20\n")
    assert main(["warned.py"]) == 0


def test_possible_findings_are_shown_on_request_only(here: Path) -> None:
    (here / "loop.py").write_text(
        "from peft import LoraConfig\n\n"
        "for alpha in [16, 1000]:\n    config = LoraConfig(r=8, lora_alpha=alpha)\n"
    )
    assert main(["loop.py"]) == 0
    assert main(["--pedantic", "loop.py"]) == 1


def test_info_is_shown_on_request_only(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "dora.py").write_text(GOOD.replace("16)", "16, use_dora=True)"))
    assert main(["dora.py"]) == 0
    assert "LL006" not in capsys.readouterr().out
    assert main(["--min-severity", "info", "dora.py"]) == 0
    assert "LL006" in capsys.readouterr().out
    assert main(["--fail-on", "info", "dora.py"]) == 1


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab"])
def test_machine_formats_are_json_also_when_nothing_is_found(
    here: Path, capsys: pytest.CaptureFixture, form: str
) -> None:
    (here / "plain.py").write_text("x = 1\n")
    for path in ("plain.py", "bad.py"):
        main(["--format", form, path])
        json.loads(capsys.readouterr().out)


def test_show_as_json(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["show", "--format", "json", "good.py"]) == 0
    shown = json.loads(capsys.readouterr().out)
    (recipe,) = shown["recipes"]
    assert recipe["callee"] == "peft.LoraConfig"
    assert recipe["settings"]["lora_alpha"]["candidates"] == [16]
    assert recipe["settings"]["lora_alpha"]["origin"] == "written"
    assert recipe["settings"]["lora_dropout"]["origin"] == "default"


def test_explain_and_rules(capsys: pytest.CaptureFixture) -> None:
    assert main(["explain", "LL102"]) == 0
    by_code = capsys.readouterr().out
    assert main(["explain", "alpha-rank-ratio-out-of-range"]) == 0
    assert capsys.readouterr().out == by_code
    assert "lora_alpha" in by_code
    assert main(["explain", "LL1O2"]) == 2
    assert main(["rules"]) == 0
    assert "LL102" in capsys.readouterr().out


def imported_for(arguments: list[str], folder: Path) -> set[str]:
    """The modules that a run of the command line imports."""
    code = (
        "import sys; before = set(sys.modules); from lora_lint.cli.main import main; "
        f"main({arguments!r}); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


FORECAST = "lora_rules.facts.memory.memory_forecast"
NEVER = {"argparse", "dataclasses", "inspect", "textwrap", "typing", "libcst", "pydantic", "rich"}
"""What costs more than it gives, where there is nothing to tell or to mend."""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_told_in_a_sentence(unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lora_lint", str(ROOT / "examples" / "broken" / "trl.yaml")],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr
    assert done.returncode not in (0, 1)


def test_a_file_without_lora_imports_next_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("x = 1\n")
    for arguments in (["plain.py"], ["--force-exclude", "plain.py"]):
        found = imported_for(arguments, tmp_path)
        assert found & (NEVER | {"yaml", "ast", "json", "re", "enum", "lora_rules.recipe"}) == set()
        assert len(found) <= 25


def sound(name: str, folder: Path) -> str:
    """An example in a folder of its own, away from our requirements, which take tomllib to read."""
    shutil.copy(ROOT / "examples" / "sound" / name, folder)
    return name


def test_a_yaml_recipe_imports_only_rules_that_may_speak_of_it(tmp_path: Path) -> None:
    found = imported_for([sound("llamafactory.yaml", tmp_path)], tmp_path)
    assert found & (NEVER | {"ast", "contextlib", FORECAST}) == set()
    assert "lora_rules.checks.training.ll801_full_ft_learning_rate" in found
    spoken_of = {name.removeprefix("lora_rules.") for name in found if name.startswith("lora_r")}
    unneeded = {"checks.memory.memory", "checks.targets.heads", "checks.scripts.calls", "program"}
    assert spoken_of & unneeded == set()
    assert spoken_of & {"frameworks.axolotl.refusals", "frameworks.ms_swift.refusals"} == set()
    assert sum(name.startswith("lora_") for name in found) <= 280


def test_a_script_is_read_without_yaml(tmp_path: Path) -> None:
    found = imported_for(["--no-cache", sound("train.py", tmp_path)], tmp_path)
    assert found & ((NEVER - {"argparse"}) | {"yaml", FORECAST}) == set()
    assert sum(name.startswith("lora_") for name in found) <= 300


def test_options_have_the_defaults_that_argparse_gives_them() -> None:
    parsed = vars(check_parser().parse_args(["a.yaml"]))
    options = of_paths(["a.yaml"])
    assert options is not None
    assert {name: getattr(options, name) for name in parsed} == parsed
    assert {name for name in vars(Options) if not name.startswith("_")} == {
        *(name for name in parsed if name != "paths"),
        "plugins_loaded",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.yaml", "b"],
        [""],
        ["--force-exclude", "a.yaml"],
        ["-q", "--no-cache", "--force-exclude", "a", "b"],
        ["--quiet", "."],
    ],
)
def test_a_command_line_of_paths_is_read_as_argparse_reads_it(arguments: list[str]) -> None:
    options = of_paths(arguments)
    assert options is not None
    parsed = vars(check_parser().parse_args(arguments))
    assert {name: getattr(options, name) for name in parsed} == parsed


@pytest.mark.parametrize(
    "arguments", [[], ["-"], ["--", "a"], ["a", "--fix"], ["-v", "a"], ["-q"], ["a", "-q"]]
)
def test_any_other_command_line_is_left_to_argparse(arguments: list[str]) -> None:
    assert of_paths(arguments) is None


def test_the_sound_examples_are_clean_and_each_broken_one_is_not() -> None:
    assert main([str(ROOT / "examples" / "sound")]) == 0
    broken = sorted((ROOT / "examples" / "broken").iterdir())
    assert len(broken) >= 8
    for path in broken:
        assert main([str(path)]) == 1, path


def test_rules_about_the_adapter_keep_silent_where_it_is_off(here: Path) -> None:
    (here / "full.yaml").write_text(
        "base_model: m\ndatasets: [{path: d}]\nadapter:\nlora_alpha: 0\nlora_r:\n"
    )
    assert main(["full.yaml"]) == 0


def test_an_unknown_dialect_is_told_with_the_nearest(here: Path, capsys) -> None:
    (here / "a.yaml").write_text("# lora-lint: dialect=axolotel\nlora_r: 8\nlora_alpha: 16\n")
    assert main(["a.yaml"]) == 1
    assert "no dialect is called 'axolotel'; did you mean 'axolotl'?" in capsys.readouterr().out
    below = here / "below"
    below.mkdir()
    (below / "lora-lint.toml").write_text('dialect = {"*.yaml" = "nope"}\n')
    (below / "b.yaml").write_text("lora_r: 8\nlora_alpha: 16\n")
    assert main(["below/b.yaml"]) == 2
    assert "no dialect is called 'nope'" in capsys.readouterr().err


def test_a_forced_dialect_is_read_in(here: Path, capsys) -> None:
    text = "lora_r: 8\nlora_alpha: 800\nadapter: lora\nlora_target_linear: true\n"
    (here / "b.yaml").write_text("# lora-lint: dialect=axolotl\n" + text)
    assert main(["show", "b.yaml"]) == 0
    assert "axolotl" in capsys.readouterr().out
    below = here / "below"
    below.mkdir()
    (below / "c.yaml").write_text(text)
    (below / "lora-lint.toml").write_text('dialect = {"c.yaml" = "axolotl"}\n')
    assert main(["show", "below/c.yaml"]) == 0
    assert "axolotl" in capsys.readouterr().out


def test_verbose_tells_what_is_unknown_and_not_what_is_not_there(here: Path, capsys) -> None:
    (here / "good.py").write_text(GOOD.replace("r=8", "r=choose()"))
    assert main(["-v", "good.py"]) == 0
    told = capsys.readouterr().out
    assert "LL102 alpha-rank-ratio-out-of-range: r is unknown: " in told
    assert "is not given" not in told
    assert "no GPU is declared" in told


@pytest.mark.parametrize("command", ["memory", "params"])
def test_memory_and_params_speak_of_a_known_model(command: str, capsys) -> None:
    assert main([command, str(ROOT / "examples" / "sound" / "axolotl.yaml")]) == 0
    told = capsys.readouterr().out
    assert ("41,943,040" if command == "params" else "GiB if a batch reaches 2 x 2048") in told
    assert main([command, "--format", "json", str(ROOT / "examples" / "sound" / "trl.yaml")]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == 1


@pytest.mark.parametrize("command", ["memory", "params"])
def test_an_unknown_model_is_unknown(command: str, here: Path, capsys) -> None:
    (here / "a.yaml").write_text(
        "base_model: nobody/knows-it\ndatasets: []\nadapter: lora\nlora_r: 8\nlora_alpha: 16\n"
        "lora_target_linear: true\n"
    )
    assert main([command, "a.yaml"]) == 0
    assert "nobody/knows-it" in capsys.readouterr().out
