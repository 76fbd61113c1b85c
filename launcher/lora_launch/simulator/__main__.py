"""``python -m lora_launch.simulator RUN.json [--svg FILE]``: simulate, and print JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from lora_launch.simulator import BadRun, SimulatedRun, simulate
from lora_launch.simulator.svg import picture


def main(arguments: list[str] | None = None) -> int:
    """Read a run, print its simulation; 2 for a run that cannot be simulated."""
    parser = argparse.ArgumentParser(prog="lora_launch.simulator", description=__doc__)
    parser.add_argument("run", type=Path, help="a SimulatedRun as JSON")
    parser.add_argument("--svg", type=Path, help="write the time line as a picture")
    chosen = parser.parse_args(arguments)
    try:
        values = json.loads(chosen.run.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise BadRun("the file holds no object")
        found = simulate(SimulatedRun.from_dict(values))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, BadRun) as error:
        sys.stderr.write(f"{chosen.run}: {error}\n")
        return 2
    except ModuleNotFoundError as error:
        sys.stderr.write(f"the simulator needs {error.name}: pip install 'lora-lint[launch]'\n")
        return 2
    sys.stdout.write(json.dumps(found.to_dict(), indent=1) + "\n")
    if chosen.svg is not None:
        chosen.svg.write_text(picture(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
