"""``lora-launch``: the command line. Nothing heavy is imported before the gate has spoken."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable

from lora_launch.errors import DONE, TROUBLE, LaunchError
from lora_lint import __version__

Command = Callable[[list[str]], int]
DESCRIPTION = "Lints a LoRA configuration, plans it, runs it through accelerate, and reports."
EPILOG = """\
commands:
  lora-launch --config FILE       lint, plan, run, report (this page)
  lora-launch init                write a configuration for a task, a model, data and a GPU
  lora-launch sweep               several values of some keys: which is best
  lora-launch config --schema     print the JSON Schema of our configuration
  lora-launch simulate FILE       simulate a training step's memory, without a GPU
  lora-launch merge RUN           merge an adapter into its 16-bit base
  lora-launch eval                evaluate an adapter on a data file
  lora-launch generate            ask an adapter something
  lora-launch report RUN          write a run's report again
  lora-launch status [RUN]        how a run stands, here or in Slurm
  lora-launch logs [RUN] [-f]     what a run has told so far

exit codes: 0 done, 1 refused by the gate or the plan, 2 the command could not do its work,
143 interrupted and saved"""


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the answer is the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command: Command = _run
    rest = arguments
    if arguments and arguments[0] in COMMANDS:
        command, rest = COMMANDS[arguments[0]], arguments[1:]
    try:
        return command(rest)
    except LaunchError as error:
        if str(error):
            sys.stdout.flush()
            sys.stderr.write(f"lora-launch: {error}\n")
        return error.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return TROUBLE
    except KeyboardInterrupt:
        return 130


def _run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="lora-launch",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lora-launch {__version__}")
    parser.add_argument("--config", required=True, metavar="FILE", help="what to run")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change it: lora.r=32"
    )
    parser.add_argument("--strict", action="store_true", help="warnings refuse too")
    parser.add_argument(
        "--allow", action="append", default=[], metavar="RULE", help="this rule refuses nothing"
    )
    parser.add_argument("--dry-run", action="store_true", help="stop after the plan")
    parser.add_argument(
        "--simulate", action="store_true", help="with --dry-run: simulate a step's memory too"
    )
    parser.add_argument(
        "--restart", action="store_true", help="throw away what its folder holds and start over"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show the libraries' log too")
    from lora_launch.cluster import arguments as cluster

    cluster.add(parser)
    own, rest = _split(arguments)
    options = parser.parse_args(own)
    options.rest = rest
    if options.simulate and not options.dry_run:
        parser.error("--simulate goes with --dry-run")
    return _launch(options)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Our own arguments, and what stands behind ``--`` for a Python script."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def _launch(options: argparse.Namespace) -> int:
    from lora_launch.config import document as documents
    from lora_launch.config.overrides import apply

    found = documents.load(options.config)
    kind = documents.framework(found)
    from lora_launch.cluster import arguments as cluster

    job = cluster.job(options)
    if kind != documents.NATIVE:
        cluster.refuse_foreign(options, kind)
        from lora_launch.gate import foreign

        return foreign.run(found, kind, options)
    from lora_launch.plan.prepare import Options
    from lora_launch.run import run

    wanted = Options(
        strict=options.strict,
        allow=tuple(options.allow),
        dry_run=options.dry_run,
        simulate=options.simulate,
        restart=options.restart,
        verbose=options.verbose,
        place=cluster.place(options),
    )
    if job is not None:
        from lora_launch.cluster import submit

        return submit.submit(apply(found, options.set), wanted, job)
    return run.run(apply(found, options.set), wanted)


def _config(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="lora-launch config", description="About the native configuration."
    )
    parser.add_argument("--schema", action="store_true", required=True, help="its JSON Schema")
    parser.parse_args(arguments)
    from lora_launch.config.config import schema

    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
    return DONE


def _simulate(arguments: list[str]) -> int:
    from lora_launch.plan import simulate

    parser = argparse.ArgumentParser(
        prog="lora-launch simulate", description="Simulate a training step's memory on no GPU."
    )
    simulate.add_arguments(parser)
    return int(simulate.run(parser.parse_args(arguments)))


def _report(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="lora-launch report", description="Write a run's report again."
    )
    parser.add_argument("run", metavar="RUN", help="the run's folder")
    from lora_launch.pages import report
    from lora_launch.run.folder import Folder

    folder = Folder(os.path.abspath(parser.parse_args(arguments).run))
    if not os.path.isfile(folder.record):
        raise LaunchError(f"{folder.path} holds no run.json, so it is no run's folder.")
    report.write(folder)
    sys.stdout.write(f"{folder.report}\n")
    return DONE


def _init(arguments: list[str]) -> int:
    from lora_launch.plan import init

    return init.run(arguments)


def _sweep(arguments: list[str]) -> int:
    from lora_launch.sweep.command import main

    return main(arguments)


def _merge(arguments: list[str]) -> int:
    from lora_launch.run.after import merge

    return merge(arguments)


def _eval(arguments: list[str]) -> int:
    from lora_launch.run.after import evaluate

    return evaluate(arguments)


def _generate(arguments: list[str]) -> int:
    from lora_launch.run.after import generate

    return generate(arguments)


def _status(arguments: list[str]) -> int:
    from lora_launch.cluster.status import status

    return status(arguments)


def _logs(arguments: list[str]) -> int:
    from lora_launch.cluster.status import logs

    return logs(arguments)


COMMANDS: dict[str, Command] = {
    "init": _init,
    "sweep": _sweep,
    "merge": _merge,
    "eval": _eval,
    "generate": _generate,
    "config": _config,
    "simulate": _simulate,
    "report": _report,
    "status": _status,
    "logs": _logs,
}
"""The first word of the command line."""

if __name__ == "__main__":
    sys.exit(main())
