"""Configurations, GPUs and sizes that are none: a sentence each, and never a number made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_lint.cli.main import main
from memory_recipes import TRL

CONFIGS = [
    ('{"model_type": "llama", "hidden_si', "cannot be read"),
    ("\0\0\0", "cannot be read"),
    ("[]", "is not a model's configuration"),
    ('{"model_type": "wav2vec7"}', "'wav2vec7'"),
    ('{"project": "something else"}', "has no model_type"),
    ('{"model_type": "llama", "hidden_size": 0}', "hidden_size is 0"),
    ('{"model_type": "llama", "num_hidden_layers": "many"}', "'many'"),
    ('{"model_type": "llama", "hidden_size": -5}', "hidden_size is -5"),
]


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and everything that was written."""
    status = main(list(arguments))
    return status, "".join(capsys.readouterr())


@pytest.mark.parametrize(("config", "why"), CONFIGS)
@pytest.mark.parametrize("command", ["memory", "params"])
def test_a_configuration_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, config: str, why: str
) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text(config)
    (tmp_path / "train.yaml").write_text(TRL.replace("meta-llama/Llama-3.1-8B", "base"))
    status, told = ran(capsys, command, str(tmp_path / "train.yaml"))
    assert status == 0
    assert why in told
    assert "GiB" not in told
    assert "parameters, from" not in told


@pytest.mark.parametrize(("config", "why"), CONFIGS)
def test_check_says_why_it_did_not_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, why: str
) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text(config)
    (tmp_path / "train.yaml").write_text(TRL.replace("meta-llama/Llama-3.1-8B", "base"))
    path = str(tmp_path / "train.yaml")
    status, told = ran(capsys, "check", "-v", "--select", "LL6", "--gpu", "A100 80GB", path)
    assert status == 0
    assert why in told


@pytest.mark.parametrize("command", ["memory", "params", "check"])
@pytest.mark.parametrize(
    ("gpu", "why"),
    [
        ("RTX 4900", "no GPU called 'RTX 4900'"),
        ("H100", "may be"),
        ("0 GB", "no size of a GPU's memory"),
        ("", "no GPU called ''"),
    ],
)
def test_a_gpu_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, gpu: str, why: str
) -> None:
    (tmp_path / "train.yaml").write_text(TRL)
    status, told = ran(capsys, command, "--gpu", gpu, str(tmp_path / "train.yaml"))
    assert status == 2
    assert why in told


@pytest.mark.parametrize(
    "line", ["max_length: 0", "per_device_train_batch_size: 0", "gradient_accumulation_steps: 0"]
)
def test_a_size_of_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    name = line.partition(":")[0]
    rest = "".join(each + "\n" for each in TRL.splitlines() if not each.startswith(name))
    (tmp_path / "train.yaml").write_text(f"{rest}{line}\n")
    _, told = ran(capsys, "memory", str(tmp_path / "train.yaml"))
    assert "is none" in told
    _, told = ran(capsys, "check", "--gpu", "A100 80GB", str(tmp_path / "train.yaml"))
    assert "LL60" not in told


def test_a_rank_of_zero_has_no_forecast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.yaml").write_text(TRL.replace("lora_r: 16", "lora_r: 0"))
    _, told = ran(capsys, "memory", str(tmp_path / "train.yaml"))
    assert "cannot be told" in told


def test_a_model_of_a_type_that_no_formula_counts_has_its_weights_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text('{"model_type": "mamba"}')
    (tmp_path / "train.yaml").write_text(TRL.replace("meta-llama/Llama-3.1-8B", "base"))
    _, told = ran(capsys, "memory", str(tmp_path / "train.yaml"))
    assert "'mamba' keep is not modelled" in told
    assert "at least 0.3 GiB: the weights alone" in told
