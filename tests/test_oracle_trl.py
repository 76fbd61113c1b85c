"""What TRL and transformers answered to small scripts, against what the linter reports today.

The answers are recorded by ``tools/oracle_trl.py --json``; fresh ones are drawn by hand.
"""

from __future__ import annotations

import json
import sys

import pytest

from conftest import ROOT

sys.path.append(str(ROOT / "tools"))
from oracle_trl import Verdict, judged
from oracles.trl_draws import Draw

PINS = {"trl": "1.16.0", "transformers": "5.24.0", "peft": "0.21.2"}
"""The versions that answered."""


def verdict(line: str) -> Verdict:
    row = json.loads(line)
    draw = Draw(row["kind"], row["script"], tuple(row["keys"]))
    return judged(draw, row["refused"], 0, PINS)


@pytest.mark.slow
def test_what_is_refused_is_reported_and_what_is_accepted_is_no_error() -> None:
    lines = (ROOT / "tests" / "data" / "oracle_trl.jsonl").read_text().splitlines()
    found = [verdict(line) for line in lines]
    refused = [each for each in found if each.refused and each.draw.kind != "misspelt"]
    accepted = [each for each in found if not each.refused]
    assert len(refused) >= 60
    assert len(accepted) >= 60
    assert sum(each.same_key for each in refused) >= 0.85 * len(refused)
    assert [each.draw.keys for each in accepted if each.false_error] == []
