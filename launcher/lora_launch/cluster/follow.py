"""A machine that is not the first: it starts workers when it is told to, and keeps no record."""

from __future__ import annotations

from typing import TextIO

from lora_launch.cluster.follower import Follower
from lora_launch.cluster.machines import came_through
from lora_launch.cluster.place import Place
from lora_launch.errors import INTERRUPTED, LaunchError
from lora_launch.plan.prepare import Prepared
from lora_launch.run import launch
from lora_launch.run.folder import Folder


def follow(prepared: Prepared, folder: Folder, place: Place, stream: TextIO, verbose: bool) -> int:
    """Take part to the end of the run; the answer is the exit code.

    Raises:
        LaunchError: if the first machine is lost, or the run ends badly.
    """
    with Follower(place, folder, prepared.identity) as machines:
        while True:
            word = machines.next(stream)
            if word.phase == "end":
                break
            stream.write(f"Attempt {word.attempt}, as told by machine 0.\n")
            stream.flush()
            line = launch.command(
                prepared.devices,
                prepared.strategy,
                prepared.sections["training"],
                launch.WORKER,
                machines,
            )
            devices = prepared.devices
            asked = launch.run(line, devices, folder, verbose=verbose, machines=machines)
            if machines.lost:
                stream.write(f"{machines.lost}\n")
                stream.flush()
            well = came_through(folder, place, devices.count)
            machines.ended(well=well, asked=asked)
    if word.code and word.code != INTERRUPTED:
        raise LaunchError(f"Machine 0 says: {word.message}", word.code)
    stream.write("The run has ended; machine 0 tells how.\n")
    return word.code
