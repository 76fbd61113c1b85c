"""Fresh random configurations: the linter against the installed PEFT (``tools/oracle.py``)."""

from __future__ import annotations

import logging
import random
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from peft_cases import write_models

pytest.importorskip("peft")
pytestmark = pytest.mark.slow

CASES = 150


def test_no_error_is_missed_and_none_is_false(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import oracle  # needs torch and transformers

    logging.disable(logging.WARNING)
    try:
        write_models(tmp_path)
        chance = random.Random(20260)  # noqa: S311
        models = sorted(set(oracle.MODELS) - set(oracle.NAMED_ONLY))
        cases = [oracle.fresh(number, models, chance) for number in range(CASES)]
        wrong = [
            verdict
            for case in cases
            if (verdict := oracle.verdict_on(case, "python", tmp_path))
            and case.demands in ("error", "no error")
        ]
        assert not wrong, "\n".join(wrong)
        assert {case.demands for case in cases} >= {"error", "finding", "no error"}
    finally:
        logging.disable(logging.NOTSET)
        sys.modules.pop("oracle", None)
