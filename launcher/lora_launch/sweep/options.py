"""The command line of ``lora-launch sweep``."""

from __future__ import annotations

import argparse

from lora_launch.cluster.arguments import add_slurm
from lora_launch.sweep.spaces import NAMES

DESCRIPTION = (
    "Runs one configuration with several values of some of its keys, and says which is best."
)
EPILOG = """\
examples:
  lora-launch sweep --config x.yaml --space balanced --dry-run
  lora-launch sweep --config x.yaml --sequential
  lora-launch sweep --config x.yaml --axis lora.r=8,16,32 --axis training.learning_rate=1e-4,2e-4
  lora-launch sweep --config x.yaml --axis lora.lora_alpha=r,2r --axis run.seed=1,2,3
  lora-launch sweep --config x.yaml --space quick --slurm --partition gpu --jobs 8

exit codes: 0 done, 1 every candidate was refused, 2 no trial has a loss, 143 stopped: the same
command goes on"""


def parser() -> argparse.ArgumentParser:
    """The parser."""
    found = argparse.ArgumentParser(
        prog="lora-launch sweep",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--config", required=True, metavar="FILE", help="what to start from")
    _what(found)
    _how(found)
    return found


def _what(found: argparse.ArgumentParser) -> None:
    what = found.add_argument_group("what to sweep")
    what.add_argument("--space", choices=NAMES, help="4, 36 or 135 configurations")
    what.add_argument(
        "--axis",
        action="append",
        default=[],
        metavar="KEY=VALUES",
        help="one's own: lora.r=8,16; with --space it takes the place of that axis, or is added",
    )
    what.add_argument(
        "--sequential",
        action="store_true",
        help="one axis after the other, keeping the best: targets, rank, alpha, learning rate,"
        " dropout",
    )
    what.add_argument(
        "--trials",
        type=_count,
        metavar="N",
        help="no more runs than this; optuna's TPE chooses them from the grid",
    )
    what.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    what.add_argument("--strict", action="store_true", help="warnings refuse a candidate too")
    what.add_argument("--allow", action="append", default=[], metavar="RULE")


def _how(found: argparse.ArgumentParser) -> None:
    how = found.add_argument_group("how to run it")
    how.add_argument("--dry-run", action="store_true", help="show the candidates, start nothing")
    how.add_argument(
        "--jobs",
        type=_count,
        metavar="N",
        help="trials at a time; default: as many as the GPUs hold, 1 on the CPU, 4 Slurm jobs",
    )
    how.add_argument("--output", metavar="FOLDER", help="default: the run's folder and -sweep")
    how.add_argument("--storage", metavar="FILE", help="optuna's journal; default: in the folder")
    how.add_argument("--retry-failed", action="store_true", help="start failed trials again")
    how.add_argument(
        "--keep-checkpoints",
        action="store_true",
        help="of trials that have ended too; without it only their adapters stay",
    )
    how.add_argument("--restart", action="store_true", help="throw away its trials and start over")
    how.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    add_slurm(found, "run each trial as a Slurm job")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)
