"""What trials keep on the disk: adapters; checkpoints for as long as something needs them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable

from lora_launch.cluster import slurm
from lora_launch.cluster.submit import jobs
from lora_launch.errors import REFUSED, LaunchError
from lora_launch.plan.plan import Plan, size
from lora_launch.run.folder import Folder
from lora_launch.sweep import trial
from lora_launch.sweep.result import FAILED, Result


def tidy(folder: Folder, found: Result) -> None:
    """Remove the checkpoints of a trial that has ended; a failed one may go on from them."""
    if found.status != FAILED:
        shutil.rmtree(folder.checkpoints, ignore_errors=True)


def clear(path: str) -> None:
    """Remove the trials of a sweep's folder.

    Raises:
        LaunchError: if one of them still waits or runs; then all stay.
    """
    names = [name for name in os.listdir(path) if re.fullmatch(r"trial-\d{3,}", name)]
    folders = [Folder(os.path.join(path, name)) for name in names]
    lasts = [known[-1]["id"] for each in folders if (known := jobs(each))]
    queued = slurm.several(lasts) if lasts else {}
    living = sorted(number for number, job in queued.items() if job.lives)
    if living:
        raise LaunchError(
            f"Trials of {path} are in Slurm still; `scancel {' '.join(living)}` ends them."
        )
    held = [said for each in folders if (said := trial.in_use(each))]
    if held:
        raise LaunchError(held[0])
    for each in folders:
        shutil.rmtree(each.path)


def check(plans: Iterable[Plan], at_once: int, most: int | None, *, keep: bool) -> None:
    """See that the trials' files have room.

    Args:
        plans: of the candidates that will run.
        at_once: so many run at a time.
        most: so many are run, if that is limited.
        keep: whether their checkpoints stay.

    Raises:
        LaunchError: if they have not.
    """
    found = [(each.disk, each.trained) for each in plans if each.disk and each.trained]
    whole = sorted((disk.total for disk, _ in found), reverse=True)[:most]
    adapters = sorted((4 * trained for _, trained in found), reverse=True)[:most]
    free = min((disk.free for disk, _ in found), default=0)
    takes = sum(whole) if keep else sum(whole[:at_once]) + sum(adapters[at_once:])
    if takes <= free:
        return
    files = (
        "adapters and checkpoints" if keep else "adapters, and the checkpoints of those that run,"
    )
    raise LaunchError(
        f"The disk is too full: the trials' {files} take {size(takes)}, and {size(free)} are free"
        " in the sweep's folder. Keep no checkpoint (--set training.save_strategy=no), run fewer"
        " (--trials), or choose another --output.",
        REFUSED,
    )
