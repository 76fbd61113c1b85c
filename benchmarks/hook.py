"""``git commit`` of one changed recipe with our pre-commit hook, against one that does nothing.

    python benchmarks/hook.py [--runs 20]

This repository as it stands is cloned and installed by the real pre-commit, as a team would have
it, into a throw-away folder (pip fetches what it depends on). Three repositories then commit the
same change again and again, interleaved so that a busy machine slows all of them alike: without
hooks, with a hook that runs ``true``, and with ours. Prints the median and the range of the wall
time of ``git commit`` and of the CPU time of all that it starts, and what the hook itself adds.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
RECIPE = ROOT / "examples" / "sound" / "llamafactory.yaml"
NOTHING = """\
repos:
  - repo: local
    hooks:
      - {id: nothing, name: nothing, entry: "true", language: system, files: yaml$}
"""
OURS = """\
repos:
  - repo: {url}
    rev: {revision}
    hooks: [{{id: lora-lint}}]
"""


def environment(place: Path) -> dict[str, str]:
    """Nothing of the user's settings, and pre-commit's own folder in ours."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    roles = ("AUTHOR", "COMMITTER")
    who = {f"GIT_{role}_NAME": "bench" for role in roles}
    mail = {f"GIT_{role}_EMAIL": "bench@example.org" for role in roles}
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "PRE_COMMIT_HOME": str(place / "pre-commit")}
    return {**kept, **who, **mail, **own}


def run(command: list[str], folder: Path, env: dict[str, str]) -> str:
    """Run a command that has to succeed; what it prints."""
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def clone(place: Path, env: dict[str, str]) -> tuple[Path, str]:
    """This repository with its uncommitted changes, committed; the folder and the revision."""
    folder = place / "lora-lint"
    listed = run(["git", "ls-files", "-z", "-co", "--exclude-standard"], ROOT, env)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run(["git", "init", "-q"], folder, env)
    run(["git", "add", "-A"], folder, env)
    run(["git", "commit", "-qm", "as it stands"], folder, env)
    return folder, run(["git", "rev-parse", "HEAD"], folder, env).strip()


def project(folder: Path, hooks: str, env: dict[str, str]) -> Path:
    """A repository with one recipe, and hooks if there are to be any."""
    folder.mkdir()
    shutil.copy(RECIPE, folder / "run.yaml")
    run(["git", "init", "-q"], folder, env)
    if hooks:
        (folder / ".pre-commit-config.yaml").write_text(hooks)
        pre_commit = str(Path(sys.executable).with_name("pre-commit"))
        run([pre_commit, "install", "--install-hooks"], folder, env)
    run(["git", "add", "-A"], folder, env)
    run(["git", "commit", "-qm", "first"], folder, env)
    return folder


def commit(folder: Path, number: int, env: dict[str, str]) -> tuple[float, float]:
    """Milliseconds that ``git commit`` of a changed recipe takes: wall time, CPU time."""
    (folder / "run.yaml").write_text(f"{RECIPE.read_text()}# change {number}\n")
    run(["git", "add", "-A"], folder, env)
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run(["git", "commit", "-qm", f"change {number}"], folder, env)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall * 1000, cpu * 1000


def table(title: str, times: dict[str, list[float]]) -> None:
    """Print medians, ranges and ratios."""
    base = statistics.median(times["a hook that runs true"])
    print(title)
    for name, values in times.items():
        middle = statistics.median(values)
        spread = f"({min(values):.0f} to {max(values):.0f})"
        print(f"  {name:22} {middle:5.0f} ms  {spread:16} {middle / base:5.2f}x")
    print(f"  lora-lint adds {statistics.median(times['lora-lint']) - base:.0f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        env = environment(place)
        url, revision = clone(place, env)
        hooks = {
            "no hook": "",
            "a hook that runs true": NOTHING,
            "lora-lint": OURS.format(url=url, revision=revision),
        }
        projects = {
            name: project(place / f"project-{number}", text, env)
            for number, (name, text) in enumerate(hooks.items())
        }
        walls: dict[str, list[float]] = {name: [] for name in projects}
        cpus: dict[str, list[float]] = {name: [] for name in projects}
        for number in range(runs + 1):
            for name, each in projects.items():
                wall, cpu = commit(each, number, env)
                if number:  # the first one warms the page cache
                    walls[name].append(wall)
                    cpus[name].append(cpu)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {runs} commits each")
    table("wall time", walls)
    table("CPU time", cpus)


if __name__ == "__main__":
    main()
