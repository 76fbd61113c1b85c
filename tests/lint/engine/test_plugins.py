"""Rules of a team's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_rules.engine import facts
from lora_rules.engine import registry as rules

PLUGIN = '''
from lora_rules.api import Evidence, Problem, Set, Severity, rule

HOUSE = Evidence("house", "E", "Our team, 2026", "https://example.org", "What we agreed on.")


@rule("OUR001", Severity.WARNING, evidence=[HOUSE])
def rank_of_the_house(r: int, *, most: int = 32):
    """Our adapters have a rank of 32 or less.

    ## What it checks
    `r` is above `most`.

    ## Why it matters
    Our server loads no more.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=64)  # OUR001: 64
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=32, lora_alpha=64)
    ```

    ## When to ignore it
    Never.

    ## Options
    - `most` (32): the highest rank.
    """
    if r > most:
        yield Problem("r", f"r = {r} is above {most}.", edits=(Set("r", most),))
'''
FACT = PLUGIN.replace(
    "\n\n@rule",
    """

@fact
def house_rank(r: int) -> int:
    if r == 7:
        raise Unknown("we do not count sevens")
    return r


@rule""",
).replace("import Evidence", "import Unknown, fact, Evidence")
for _old, _new in (
    ("(r: int, *,", "(house_rank: int, *,"),
    ("if r > most", "if house_rank > most"),
    ("r = {r} is", "r = {house_rank} is"),
):
    FACT = FACT.replace(_old, _new)
"""The same, by a fact of its own."""
BAD = "from peft import LoraConfig\n\nc = LoraConfig(r=64, lora_alpha=64)\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a plugin; what it registers is taken back."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "ours.py").write_text(PLUGIN)
    (tmp_path / "a.py").write_text(BAD)
    rules.imported_rules()
    before = dict(rules._registry)
    yield tmp_path
    rules._registry.clear()
    rules._registry.update(before)
    facts.registered.clear()
    for name in [name for name in sys.modules if name.startswith("lora_lint_plugin_")]:
        del sys.modules[name]


def settings(here: Path, text: str = 'plugins = ["tools/ours.py"]\n') -> None:
    (here / "lora-lint.toml").write_text(text)


def test_a_plugins_rule_is_one_like_ours(here: Path, capsys: pytest.CaptureFixture) -> None:
    settings(here)
    assert main(["--select", "OUR001", "a.py"]) == 1
    assert "a.py:3:18: warning: OUR001 rank-of-the-house" in capsys.readouterr().out
    assert main(["--select", "OUR001", "--fix", "--unsafe-fixes", "a.py"]) == 0
    assert (here / "a.py").read_text() == BAD.replace("r=64", "r=32")


def test_a_plugin_brings_facts(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "tools" / "ours.py").write_text(FACT)
    settings(here)
    assert main(["--select", "OUR001", "a.py"]) == 1
    assert "r = 64 is above 32." in capsys.readouterr().out
    (here / "a.py").write_text(BAD.replace("r=64", "r=7"))
    assert main(["--select", "OUR001", "--verbose", "a.py"]) == 0
    assert "we do not count sevens" in capsys.readouterr().out


def test_the_examples_of_a_rule_on_a_plugins_fact_are_run(here: Path) -> None:
    (here / "tools" / "ours.py").write_text(FACT)
    assert main(["test-rules", "tools/ours.py"]) == 0


def test_its_options_and_its_page(here: Path, capsys: pytest.CaptureFixture) -> None:
    settings(here, 'plugins = ["tools/ours.py"]\n[rules.rank-of-the-house]\nmost = 64\n')
    assert main(["--select", "OUR001", "a.py"]) == 0
    capsys.readouterr()
    assert main(["explain", "OUR001"]) == 0
    assert "Our server loads no more." in capsys.readouterr().out
    main(["rules"])
    assert "rank-of-the-house" in capsys.readouterr().out


def test_it_can_be_left_out(here: Path) -> None:
    settings(here)
    assert main(["--no-plugins", "--select", "LL101", "a.py"]) == 0
    assert main(["--no-plugins", "--select", "OUR001", "a.py"]) == 2


def test_only_the_settings_at_the_root_may_name_some(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / ".git").mkdir()
    (here / "sub").mkdir()
    (here / "sub" / "a.py").write_text(BAD)
    (here / "sub" / "evil.py").write_text("raise SystemExit('it ran')")
    (here / "sub" / "lora-lint.toml").write_text('plugins = ["evil.py"]\n')
    main(["--select", "LL101", "sub"])
    assert "its plugins are not loaded" in capsys.readouterr().err


def test_the_roots_plugins_count_in_a_folder_below(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(here)
    (here / ".git").mkdir()
    monkeypatch.chdir(here / "tools")
    assert main(["--select", "OUR001", "../a.py"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
        ("import nonsense_x", "cannot be loaded: ModuleNotFoundError"),
        ("x = (", "cannot be loaded: SyntaxError"),
        (PLUGIN.replace("OUR001", "LL999"), "and LL is taken"),
        (PLUGIN.replace('"OUR001"', '"our"'), "it needs two capital letters"),
        (PLUGIN.replace("## Bad", "## Wrong"), "its docstring is no page"),
        (PLUGIN.replace("def rank_of_the_house", "def zero_or_negative_alpha"), "is taken"),
        (
            PLUGIN.replace("(r: int,", "(lora_alhpa: float,"),
            "tools/ours.py: OUR001 rank-of-the-house: it asks for lora_alhpa, which is no "
            "setting, fact or view; did you mean lora_alpha? (tools/ours.py, line 7)",
        ),
        (PLUGIN.replace("(r: int,", "(r: int, lora_dropuot: float = 0.0,"), "mean lora_dropout?"),
        (PLUGIN.replace("(r: int,", "(r: 'itn',"), "asks for r as itn, which is no type of a"),
        (PLUGIN.replace("(r: int,", "(r: 'str',"), "asks for r as str, but its type is int"),
        (
            FACT.replace("def house_rank(r:", "def house_rank(rr:"),
            "house_rank: it asks for rr",
        ),
        (
            FACT.replace("def house_rank(", "def dataset_rows("),
            "dataset_rows: that name is taken",
        ),
        (FACT.replace("(house_rank:", "(house_rnak:"), "asks for house_rnak, which is no setting,"),
    ],
)
def test_a_broken_plugin_is_trouble_in_a_sentence(
    here: Path, capsys: pytest.CaptureFixture, text: str, said: str
) -> None:
    settings(here)
    (here / "tools" / "ours.py").write_text(text)
    assert main(["a.py"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize("name", ["tools/none.py", "no-such-entry-point"])
def test_a_plugin_that_is_not_there_is_trouble(
    here: Path, capsys: pytest.CaptureFixture, name: str
) -> None:
    settings(here, f'plugins = ["{name}"]\n')
    assert main(["a.py"]) == 2
    assert name in capsys.readouterr().err


def test_an_entry_point_is_loaded_by_name(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    package = here / "site"
    (package / "acme-1.0.dist-info").mkdir(parents=True)
    (package / "acme_rules.py").write_text(PLUGIN)
    (package / "acme-1.0.dist-info" / "METADATA").write_text("Name: acme\nVersion: 1.0\n")
    points = "[lora_lint.rules]\nacme = acme_rules\n"
    (package / "acme-1.0.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(package))
    settings(here, 'plugins = ["acme"]\n')
    assert main(["--select", "OUR001", "a.py"]) == 1
    monkeypatch.delitem(sys.modules, "acme_rules")


def test_test_rules_runs_the_examples(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["test-rules", "tools/ours.py"]) == 0
    assert capsys.readouterr().out == "OUR001 rank-of-the-house: 1 bad, 1 good: ok\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("# OUR001: 64", "# OUR001: r"), "'r' is marked, '64' is underlined"),
        (("r=64, lora_alpha=64)  # OUR", "r=8, lora_alpha=64)  # OUR"), "nothing is found"),
        (("  # OUR001: 64", ""), "no line is marked"),
        (("r=32, lora", "r=33, lora"), "Good 1: line 3: OUR001 speaks"),
        (("- `most` (32): the highest rank.", "None."), "Options does not tell of most"),
        (("## When to ignore it", "## When"), "its sections are"),
    ],
)
def test_test_rules_tells_what_is_wrong(
    here: Path, capsys: pytest.CaptureFixture, change: tuple[str, str], said: str
) -> None:
    (here / "tools" / "ours.py").write_text(PLUGIN.replace(*change))
    assert main(["test-rules", "tools/ours.py"]) == 1
    assert said in capsys.readouterr().out


def test_a_rule_of_a_plugin_may_have_keys(here: Path, capsys: pytest.CaptureFixture) -> None:
    keyed = PLUGIN.replace("Problem, Set", "KeyPage, Problem, Set")
    keyed = keyed.replace("evidence=[HOUSE])", "evidence=[HOUSE], keys=keys)")
    keyed = keyed.replace("most),))", 'most),), key="house/rank-too-high")')
    keyed = keyed.replace(
        "@rule(",
        'def keys():\n    return [KeyPage("house/rank-too-high", "A high rank.")]\n\n\n@rule(',
    )
    (here / "tools" / "ours.py").write_text(keyed)
    settings(here)
    code = "OUR001:house/rank-too-high"
    assert main(["--select", code, "--quiet", "a.py"]) == 1
    assert f"{code} rank-of-the-house" in capsys.readouterr().out
    assert main(["--select", "OUR001", "--ignore", code, "a.py"]) == 0
    assert main(["explain", code]) == 0
    assert "A high rank." in capsys.readouterr().out
