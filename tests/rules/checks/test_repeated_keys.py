"""LL009: what readers make of a key that stands twice, run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import yaml

TWICE = "r: 8\nr: 16\n"


def test_the_last_one_counts() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--r", type=int)
    assert yaml.safe_load(TWICE) == {"r": 16}
    assert json.loads('{"r": 8, "r": 16}') == {"r": 16}
    assert parser.parse_args(["--r", "8", "--r", "16"]).r == 16


@pytest.mark.parametrize("text", [TWICE, "r: 8\nr: 8\n", "lora: {r: 8, r: 16}\n"])
def test_omegaconf_raises(tmp_path: Path, text: str) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(yaml.constructor.ConstructorError, match="found duplicate key r"):
        omegaconf.OmegaConf.load(tmp_path / "a.yaml")
