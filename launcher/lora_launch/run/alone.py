"""``accelerate launch`` for one process: accelerate prepares it, and the worker takes its place.

    python -m lora_launch.run.alone FLAGS --module WORKER RUN_FOLDER

Accelerate's own command would start a second process, which imports torch once more. Several
processes need it; one does not.
"""

from __future__ import annotations

import os
import runpy
import sys

from lora_launch.opaque import Opaque


def main(arguments: list[str]) -> None:
    """Read the flags as accelerate reads them, and become the worker."""
    from accelerate.commands import launch

    launch.simple_launcher = _become
    launch.launch_command(launch.launch_command_parser().parse_args(arguments))


def _become(args: Opaque) -> None:
    """Run the worker here, with the environment and the arguments that accelerate gives it."""
    from accelerate.utils import prepare_simple_launcher_cmd_env

    _command, environment = prepare_simple_launcher_cmd_env(args)
    os.environ.update(environment)
    sys.argv[1:] = args.training_script_args
    runpy.run_module(args.training_script, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
