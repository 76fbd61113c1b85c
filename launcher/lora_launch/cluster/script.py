"""The script that Slurm is given: the ordinary launch, put back in the queue when its time is up.

Slurm sends the script SIGUSR1 two minutes before the time limit. The launch is then told to save;
if it has come further than where it began, the job goes back to the queue and resumes from there.
What Slurm requeues by itself (a node that died, a preemption, ``scontrol requeue``) resumes too.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

SIGNAL = "B:USR1@120"
"""To the script alone, two minutes before the limit: a step and its checkpoint fit into that."""

_HEAD = """\
# Written by lora-launch --slurm, which writes it anew at every submission.
config={config}
run={run}
if ! echo "{digest}  $config" | sha256sum --check --status; then
    echo "lora-launch: $config has changed since this job was submitted; submit it again." >&2
    exit 2
fi
launch=({command})
"""
_RESTART = """\
if [ "${SLURM_RESTART_COUNT:-0}" -eq 0 ]; then launch+=(--restart); fi
"""
_OTHERS = """\
# The other machines; this one leads. They end when it does.
rank='exec "$@" --machine-rank $((SLURM_NODEID + 1))'
srun --nodes={others} --ntasks={others} --ntasks-per-node=1 --relative=1 --cpu-bind=none \\
    bash -c "$rank" bash "${{launch[@]}}" &
others=$!
launch+=(--machine-rank 0 --main-address "$(hostname)")
"""
_BODY = """\
saved() { ls "$run/checkpoints" 2>/dev/null; }
before=$(saved)
time_is_up=
trap 'heard=1; time_is_up=1; kill -TERM "$pid" 2>/dev/null' USR1
trap 'heard=1; kill -TERM "$pid" 2>/dev/null' TERM
"${launch[@]}" &
pid=$!
heard=1
while [ -n "$heard" ]; do  # a signal ends a wait, not what is waited for
    heard=
    wait "$pid"
    code=$?
done
if [ -n "$time_is_up" ] && [ "$code" -eq 143 ]; then
    if [ "$(saved)" = "$before" ]; then
        echo "lora-launch: time was up before the first new checkpoint; set a longer --time." >&2
        exit 2
    fi
    echo "lora-launch: the time is up; the job goes back to the queue and resumes."
    scontrol requeue "$SLURM_JOB_ID"
fi
"""
_WAIT = 'wait "$others"\n'


@dataclass(frozen=True, slots=True)
class Script:
    """What a job's script is made of."""

    config: str
    """The configuration's path, absolute."""
    digest: str
    """The SHA-256 of its bytes: the job refuses to run another one."""
    run: str
    """The run's folder, absolute."""
    command: tuple[str, ...]
    """The ordinary launch."""
    options: Mapping[str, str | None]
    """Of sbatch, without their dashes; ``None`` for one without a value."""
    nodes: int = 1
    restart: bool = False

    def write(self) -> str:
        """The script."""
        head = _HEAD.format(
            config=shlex.quote(self.config),
            run=shlex.quote(self.run),
            digest=self.digest,
            command=" ".join(shlex.quote(word) for word in self.command),
        )
        parts = ["#!/bin/bash\n", *(f"{_directive(*each)}\n" for each in self.options.items())]
        parts += ["\n", head]
        parts += [_RESTART] if self.restart else []
        parts += [_OTHERS.format(others=self.nodes - 1)] if self.nodes > 1 else []
        parts += [_BODY]
        parts += [_WAIT] if self.nodes > 1 else []
        return "".join([*parts, 'exit "$code"\n'])


def _directive(key: str, value: str | None) -> str:
    if value is None:
        return f"#SBATCH --{key}"
    quoted = f'"{value}"' if any(letter in value for letter in " \t#'") else value
    return f"#SBATCH --{key}={quoted}"


def pattern(path: str) -> str:
    """A path among sbatch's patterns, in which ``%`` and backslash are special."""
    return path.replace("\\", "\\\\").replace("%", "%%")
