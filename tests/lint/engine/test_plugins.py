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
from lora_rules.api import Problem, Set, Severity, Source, rule

HOUSE = Source("house", "F", "Our team, 2026", "https://example.org")


@rule("OUR001", Severity.WARNING, evidence=[HOUSE.says("What we agreed on.")])
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
).replace("import Problem", "import Unknown, fact, Problem")
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
    repository = tmp_path / "repository"
    (repository / "tools").mkdir(parents=True)
    monkeypatch.chdir(repository)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (repository / "tools" / "ours.py").write_text(PLUGIN)
    (repository / "a.py").write_text(BAD)
    rules.imported_rules()
    before = dict(rules._registry)
    yield repository
    rules._registry.clear()
    rules._registry.update(before)
    facts.registered.clear()
    for name in [name for name in sys.modules if name.startswith(("lora_lint_plugin_", "acme_"))]:
        del sys.modules[name]


def settings(here: Path, text: str = 'plugins = ["tools/ours.py"]\n') -> None:
    (here / "lora-lint.toml").write_text(text)


def of_the_user(here: Path, text: str = 'trust = ["../../repository"]\n') -> None:
    """Settings of the user's own, which trust the repository."""
    folder = here.parent / "config" / "lora-lint"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lora-lint.toml").write_text(text)


def test_a_plugins_rule_is_one_like_ours(here: Path, capsys: pytest.CaptureFixture) -> None:
    settings(here)
    of_the_user(here)
    assert main(["--select", "OUR001", "a.py"]) == 1
    assert "a.py:3:18: warning: OUR001 rank-of-the-house" in capsys.readouterr().out
    assert main(["--select", "OUR001", "--fix", "--unsafe-fixes", "a.py"]) == 0
    assert (here / "a.py").read_text() == BAD.replace("r=64", "r=32")


def test_a_plugin_brings_facts(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "tools" / "ours.py").write_text(FACT)
    settings(here)
    of_the_user(here)
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
    of_the_user(here)
    assert main(["--select", "OUR001", "a.py"]) == 0
    capsys.readouterr()
    assert main(["explain", "OUR001"]) == 0
    assert "Our server loads no more." in capsys.readouterr().out
    main(["rules"])
    assert "rank-of-the-house" in capsys.readouterr().out


def test_it_can_be_left_out(here: Path) -> None:
    settings(here)
    of_the_user(here)
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
    of_the_user(here)
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
    (here / "tools" / "ours.py").write_text(text)
    assert main(["--plugin-file", "tools/ours.py", "a.py"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize("name", ["tools/none.py", "no-such-entry-point"])
def test_a_plugin_that_is_not_there_is_trouble(
    here: Path, capsys: pytest.CaptureFixture, name: str
) -> None:
    settings(here, f'plugins = ["{name}"]\n')
    of_the_user(here)
    assert main(["a.py"]) == 2
    assert name in capsys.readouterr().err


def package(folder: Path, text: str = PLUGIN) -> None:
    """A package that offers the plugin ``acme``, as an installer would put it there."""
    (folder / "acme-1.0.dist-info").mkdir(parents=True)
    (folder / "acme_rules.py").write_text(text)
    (folder / "acme-1.0.dist-info" / "METADATA").write_text("Name: acme\nVersion: 1.0\n")
    points = "[lora_lint.rules]\nacme = acme_rules\n"
    (folder / "acme-1.0.dist-info" / "entry_points.txt").write_text(points)


EVIL = "open('EXECUTED', 'w').close()\n"


@pytest.mark.parametrize("shadowed", [False, True])
def test_an_entry_point_is_loaded_by_name(
    here: Path, monkeypatch: pytest.MonkeyPatch, *, shadowed: bool
) -> None:
    package(here.parent / "site")
    monkeypatch.syspath_prepend(str(here.parent / "site"))
    settings(here, 'plugins = ["acme"]\n')
    if shadowed:
        package(here / "local", EVIL)
        monkeypatch.syspath_prepend(str(here / "local"))
        (here / "acme_rules.py").write_text(EVIL)
        monkeypatch.syspath_prepend(str(here))
    path = list(sys.path)
    assert main(["--select", "OUR001", "a.py"]) == 1
    assert sys.path == path
    assert not (here / "EXECUTED").exists()


def test_a_package_that_only_lies_in_the_repository_is_not_installed(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    package(here, EVIL)
    monkeypatch.syspath_prepend(str(here))
    settings(here, 'plugins = ["acme"]\n')
    assert main(["a.py"]) == 2
    assert "no installed package offers it" in capsys.readouterr().err
    assert not (here / "EXECUTED").exists()


def test_an_editable_install_is_one(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = here.parent / "site"
    package(site)
    (site / "acme_rules.py").rename(here / "acme_rules.py")
    origin = '{"url": "file:///x", "dir_info": {"editable": true}}'
    (site / "acme-1.0.dist-info" / "direct_url.json").write_text(origin)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.syspath_prepend(str(here))
    settings(here, 'plugins = ["acme"]\n')
    assert main(["--select", "OUR001", "a.py"]) == 1


COMMANDS = (["a.py"], ["."], ["--force-exclude", "a.py"], ["explain", "LL101"], ["rules"])


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_file_of_the_repository_is_not_run_unasked(
    here: Path, capsys: pytest.CaptureFixture, arguments: list[str]
) -> None:
    settings(here, 'plugins = ["evil.py"]\nselect = ["ALL", "OUR"]\n[rules.OUR001]\nmost = 8\n')
    (here / "evil.py").write_text(EVIL)
    assert main(arguments) == 0
    error = capsys.readouterr().err
    assert "the plugin evil.py is not loaded: it is a file of the repository" in error
    assert "with --plugin-file evil.py, or with trust in" in error
    assert not (here / "EXECUTED").exists()


def test_the_command_line_names_files(here: Path, capsys: pytest.CaptureFixture) -> None:
    settings(here)
    asked = ["--plugin-file", "tools/ours.py"]
    assert main([*asked, "--select", "OUR001", "a.py"]) == 1
    assert capsys.readouterr().err == ""
    assert main(["explain", *asked, "OUR001"]) == 0
    assert main(["rules", *asked]) == 0
    assert "rank-of-the-house" in capsys.readouterr().out


def test_a_misspelt_rule_is_refused_once_the_plugin_is_loaded(here: Path) -> None:
    settings(here, 'plugins = ["tools/ours.py"]\n[rules.rank-of-the-hose]\nmost = 64\n')
    assert main(["--plugin-file", "tools/ours.py", "a.py"]) == 2


def test_the_user_may_name_files_for_every_repository(here: Path) -> None:
    of_the_user(here, 'plugins = ["house.py"]\n')
    (here / "tools" / "ours.py").rename(here.parent / "config" / "lora-lint" / "house.py")
    assert main(["--select", "OUR001", "a.py"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('gpu = "T4"\n', "only plugins and trust may stand in settings outside a repository"),
        ("trust = true\n", "trust must be a list of texts, not True"),
        ("trust = [\n", "cannot be read"),
    ],
)
def test_settings_of_the_user_that_are_broken(
    here: Path, capsys: pytest.CaptureFixture, text: str, said: str
) -> None:
    of_the_user(here, text)
    assert main(["a.py"]) == 2
    assert said in capsys.readouterr().err


def test_settings_of_the_user_are_outside_the_repository(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(here, 'plugins = ["evil.py"]\n')
    (here / "evil.py").write_text(EVIL)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(here / "config"))
    (here / "config" / "lora-lint").mkdir(parents=True)
    (here / "config" / "lora-lint" / "lora-lint.toml").write_text('trust = ["/"]\n')
    assert main(["--select", "LL101", "a.py"]) == 0
    assert not (here / "EXECUTED").exists()


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


def test_annotations_need_no_import_from_the_future(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    assert "from __future__" not in PLUGIN
    (here / "a.py").write_text(BAD.replace("r=64", "r='sixty'") + BAD.partition("\n")[2])
    assert main(["--plugin-file", "tools/ours.py", "--select", "OUR001", "a.py"]) == 1
    assert "a.py:5:18: warning: OUR001 rank-of-the-house" in capsys.readouterr().out


@pytest.mark.parametrize(
    "said", ["1 / 0", "'no problem'", "Problem(3, 4)", "Problem(None, 'x', 'high')"]
)
def test_a_rule_that_fails_stops_no_other(
    here: Path, capsys: pytest.CaptureFixture, said: str
) -> None:
    (here / "tools" / "ours.py").write_text(PLUGIN.replace("yield Problem", f"yield {said}  #"))
    (here / "b.py").write_text(BAD.replace("lora_alpha=64", "lora_alpha=0"))
    assert main(["--plugin-file", "tools/ours.py", "a.py", "b.py"]) == 2
    told = capsys.readouterr().out
    assert told.count("rule OUR001 rank-of-the-house failed") == 2
    assert "an error in the plugin, not in the file" in told
    assert "LL101" in told


def test_a_rule_of_a_plugin_may_have_keys(here: Path, capsys: pytest.CaptureFixture) -> None:
    keyed = PLUGIN.replace("Problem, Set", "KeyPage, Problem, Set")
    keyed = keyed.replace('agreed on.")])', 'agreed on.")], keys=keys)')
    keyed = keyed.replace("most),))", 'most),), key="house/rank-too-high")')
    keyed = keyed.replace(
        "@rule(",
        'def keys():\n    return [KeyPage("house/rank-too-high", "A high rank.")]\n\n\n@rule(',
    )
    (here / "tools" / "ours.py").write_text(keyed)
    settings(here)
    of_the_user(here)
    code = "OUR001:house/rank-too-high"
    assert main(["--select", code, "--quiet", "a.py"]) == 1
    assert f"{code} rank-of-the-house" in capsys.readouterr().out
    assert main(["--select", "OUR001", "--ignore", code, "a.py"]) == 0
    assert main(["explain", code]) == 0
    assert "A high rank." in capsys.readouterr().out


def test_evidence_without_a_sentence_is_refused(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "tools" / "ours.py").write_text(
        PLUGIN.replace('HOUSE.says("What we agreed on.")', "HOUSE")
    )
    assert main(["--plugin-file", "tools/ours.py", "a.py"]) == 2
    told = " ".join("".join(capsys.readouterr()).split())
    assert "OUR001 rank-of-the-house: evidence is what a source says" in told
