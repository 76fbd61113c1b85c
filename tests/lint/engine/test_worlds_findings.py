"""What is reported where values of several runs stand in one program: each run by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.cli.main import main

HEADER = """\
import argparse
from peft import LoraConfig
from somewhere import extra
parser = argparse.ArgumentParser()
parser.add_argument("--big", action="store_true")
a = parser.parse_args()
"""


def reported(
    body: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> set[tuple[str, bool]]:
    """The codes that are reported with ``--pedantic``, and whether each is certain."""

    script = tmp_path / "train.py"
    script.write_text(HEADER + body, encoding="utf-8")
    main([str(script), "--pedantic", "--format", "json", "--no-cache"])
    found = json.loads(capsys.readouterr().out)["findings"]
    return {(finding["code"].partition(":")[0], finding["certain"]) for finding in found}


def test_what_holds_in_every_pass_is_certain(tmp_path, capsys) -> None:
    body = (
        'for saved in (["q_proj"], ["v_proj"]):\n'
        "    lora = LoraConfig(r=16, lora_alpha=32, modules_to_save=saved,\n"
        '                      target_modules=["q_proj", "v_proj"])\n'
    )
    assert ("LL011", True) in reported(body, tmp_path, capsys)


@pytest.mark.parametrize(
    "body",
    [
        "r, alpha = (128, 256) if a.big else (4, 8)\nLoraConfig(r=r, lora_alpha=alpha)",
        "for r in (8, 64): LoraConfig(r=r, lora_alpha=2 * r)",
        "for r, alpha in ((4, 8), (128, 256)): LoraConfig(r=r, lora_alpha=alpha)",
    ],
)
def test_a_pair_that_no_run_has_is_not_reported(body: str, tmp_path, capsys) -> None:
    codes = {code for code, _ in reported(body, tmp_path, capsys)}
    assert "LL102" not in codes


def test_a_pair_that_one_run_has_is_possible(tmp_path, capsys) -> None:
    body = "r, alpha = (128, 256) if a.big else (4, 256)\nLoraConfig(r=r, lora_alpha=alpha)"
    assert ("LL102", False) in reported(body, tmp_path, capsys)


def test_what_holds_whatever_the_rest_of_a_list_is_is_certain(tmp_path, capsys) -> None:
    body = (
        'LoraConfig(target_modules=["q_proj", *extra], modules_to_save=["q_proj"],\n'
        "           r=16, lora_alpha=32)\n"
    )
    assert ("LL011", True) in reported(body, tmp_path, capsys)
