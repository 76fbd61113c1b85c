"""Writes ``frameworks/<name>/accepted.txt`` from what the framework says of its own keys.

    python tools/record_accepted.py axolotl --python ENV/bin/python

``ENV`` is an environment with the framework (``tools/oracles/README.md``).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FRAMEWORKS = ROOT / "rules" / "lora_rules" / "frameworks"


def main() -> None:
    """Ask and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framework")
    parser.add_argument("--python", required=True)
    options = parser.parse_args()
    name = options.framework
    script = str(ROOT / "tools" / "oracles" / f"{name}_answers.py")
    fields = asked([options.python, script, "fields"])
    version = asked(
        [options.python, "-c", f"from importlib.metadata import version; print(version({name!r}))"]
    ).strip()
    head = f"# Keys and what they accept, asked of {name} {version}: tools/record_accepted.py\n"
    (FRAMEWORKS / name / "accepted.txt").write_text(head + fields, encoding="utf-8")


def asked(command: list[str]) -> str:
    """What a command prints; the program ends where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
