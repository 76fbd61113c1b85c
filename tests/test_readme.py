"""What the README shows is what the program prints."""

from __future__ import annotations

import re

import pytest

from conftest import ROOT
from lora_lint.cli import main

README = (ROOT / "README.md").read_text()


def test_the_picture_is_real(monkeypatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(ROOT)
    main(["examples/broken/train.py"])
    assert f"$ lora-lint examples/broken/train.py\n{capsys.readouterr().out}```" in README


def test_the_table_of_rules_is_up_to_date(capsys: pytest.CaptureFixture) -> None:
    main(["rules", "--format", "markdown"])
    assert capsys.readouterr().out.strip() in README


def test_every_dialect_table_has_its_framework_in_the_readme() -> None:
    from lora_lint import dialect

    said = README.lower()
    for name in dialect.names():
        if name in ("generic", "peft-adapter-json", "lora-launch"):
            continue
        framework = re.sub(r" v1| \(.*\)", "", dialect.load(name).framework)
        assert framework.lower() in said, framework
