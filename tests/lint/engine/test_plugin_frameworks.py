"""A framework of a team's own, with a rule of its own, as a plugin brings it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_lint.translate import framework as frameworks
from lora_rules.engine import registry as rules
from lora_rules.frameworks import added, behaviour_of, register_framework, trainer_named
from lora_rules.frameworks.registry import _folders

KEYS = """\
framework: Tune of ACME
signature: {all_of: [acme.base], any_of: [acme.rank, acme.bits]}
---
lora: {key: acme.method, values: [lora], default: lora}
known_keys: {acme: ""}
fields:
  model_name_or_path: acme.base
  r: {key: acme.rank, default: 8}
  lora_alpha: {key: acme.scale, default: 16}
  learning_rate: {key: acme.rate, default: 1.0e-4}
  load_in_4bit: {key: acme.bits, equals: 4}
"""
LIST = "acme acme.base acme.method acme.rank acme.scale acme.rate acme.bits acme.batch\n"
BEHAVIOUR = '''
from lora_rules.api import Behaviour


class Framework(Behaviour):
    """Its scale is alpha / 2."""

    supervised = True

    def derive(self, draft):
        found = draft.find(["acme.scale"])
        scale = draft.plain("acme.scale")
        if found is not None and isinstance(scale, int | float):
            draft.conclude("lora_alpha", scale * 2, found, f"acme.scale: {scale} x 2")

    def spelled(self, setting, value, known):
        return (value / 2,) if setting == "lora_alpha" else None
'''
PLUGIN = '''
from pathlib import Path

from lora_rules.api import (
    Behaviour, Problem, Set, Severity, Source, register_framework, rule
)

register_framework(Path(__file__).parent / "acme_tune")
HOUSE = Source("house", "F", "Our team, 2026", "https://example.org")


@rule("ACME001", Severity.WARNING, evidence=[HOUSE.says("What we agreed on.")])
def alpha_of_the_house(framework: Behaviour, lora_alpha: float):
    """Our alphas are 64.

    ## Bad
    ```python
    ```

    ## Good
    ```python
    ```
    """
    if framework.supervised and lora_alpha != 64:
        yield Problem(
            "lora_alpha", f"{framework.label} takes 64.", edits=(Set("lora_alpha", 64),)
        )
'''
RUN = """\
acme:
  base: my-org/base-7B
  method: lora
  rank: 256
  scale: 4  # of the house
  bits: 4
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository whose settings name an installed plugin; what it registers is taken back."""
    repository = tmp_path / "repository"
    repository.mkdir()
    monkeypatch.chdir(repository)
    package = tmp_path / "site" / "acme_rules"
    (package / "acme_tune" / "known_keys").mkdir(parents=True)
    (package / "acme_tune" / "keys.yaml").write_text(KEYS)
    (package / "acme_tune" / "behaviour.py").write_text(BEHAVIOUR)
    (package / "acme_tune" / "known_keys" / "acme.txt").write_text(LIST)
    (package / "__init__.py").write_text(PLUGIN)
    installed = tmp_path / "site" / "acme_rules-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Name: acme-rules\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[lora_lint.rules]\nacme = acme_rules\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    (repository / "lora-lint.toml").write_text('plugins = ["acme"]\n')
    (repository / "run.yaml").write_text(RUN)
    rules.imported_rules()
    registered = dict(rules._registry)
    yield repository
    rules._registry.clear()
    rules._registry.update(registered)
    sys.modules.pop("acme_rules", None)
    added.clear()
    _folders.clear()
    behaviour_of.cache_clear()
    trainer_named.cache_clear()
    frameworks.load.cache_clear()
    frameworks.table.body.cache_clear()


def test_its_file_is_known_and_a_rule_of_ours_speaks_in_its_keys(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / "run.yaml").write_text(RUN.replace("scale: 4", "scale: 0"))
    assert main(["check", "--select", "LL101", "run.yaml"]) == 1
    assert "run.yaml:5:10: error: LL101" in capsys.readouterr().out


def test_without_the_plugin_it_is_no_recipe(here: Path, capsys: pytest.CaptureFixture) -> None:
    main(["check", "--no-plugins", "run.yaml"])
    assert "No LoRA recipe" in capsys.readouterr().out


def test_show_has_its_keys_and_defaults(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["show", "--format", "json", "--all", "run.yaml"]) == 0
    shown = capsys.readouterr().out
    (recipe,) = json.loads(shown)["recipes"]
    settings = recipe["settings"]
    assert settings["r"]["key"] == "acme.rank"
    assert settings["learning_rate"]["source"] == "Tune of ACME"
    assert settings["lora_alpha"]["candidates"] == [8]
    assert settings["load_in_4bit"]["candidates"] == [True]


def test_a_rule_of_its_own_asks_its_behaviour_and_a_fix_writes_its_spelling(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["check", "--select", "ACME001", "run.yaml"]) == 1
    assert "Tune of ACME takes 64." in capsys.readouterr().out
    assert main(["check", "--select", "ACME001", "--fix", "--unsafe-fixes", "run.yaml"]) == 0
    assert (here / "run.yaml").read_text() == RUN.replace("scale: 4 ", "scale: 32 ")


def test_its_own_list_of_keys_is_read(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "run.yaml").write_text(RUN + "  rnak: 8\n")
    assert main(["check", "--select", "LL001", "run.yaml"]) == 1
    out = capsys.readouterr().out
    assert "does not know acme.rnak" in out
    assert "acme.rank" not in out  # which the file has already


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("framework: X\n", "is not two documents"),
        ("framework: X\n---\nfields: {}\n", "has no signature"),
        ("{\n---\n", "while parsing"),
        (None, "No such file"),
    ],
)
def test_a_folder_that_is_no_framework_is_refused(
    here: Path, capsys: pytest.CaptureFixture, text: str | None, why: str
) -> None:
    table = here.parent / "site" / "acme_rules" / "acme_tune" / "keys.yaml"
    if text is None:
        table.unlink()
    else:
        table.write_text(text)
    assert main(["check", "run.yaml"]) == 2
    assert why in capsys.readouterr().err


def test_a_behaviour_that_cannot_be_imported_is_the_plugins_fault(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here.parent / "site" / "acme_rules" / "acme_tune" / "behaviour.py").write_text(
        "raise ZeroDivisionError('oh')"
    )
    assert main(["check", "run.yaml"]) == 2
    assert "acme: cannot be loaded: ZeroDivisionError: oh" in capsys.readouterr().err


def test_a_misspelt_attribute_is_named(here: Path, capsys: pytest.CaptureFixture) -> None:
    behaviour = here.parent / "site" / "acme_rules" / "acme_tune" / "behaviour.py"
    behaviour.write_text(BEHAVIOUR.replace("supervised", "supervized"))
    assert main(["check", "run.yaml"]) == 2
    assert "has no supervized; did you mean supervised?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["axolotl", "ms_swift", "peft"])
def test_a_name_of_ours_is_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "keys.yaml").write_text(KEYS)
    with pytest.raises(ValueError, match="is there already"):
        register_framework(tmp_path / name)
