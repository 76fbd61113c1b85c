"""What transformers does with warm-up, the end of a run and its epochs, version by version.

    python tools/evidence/transformers_versions.py [4.41.0 4.42.0 ...]

Downloads each wheel with pip, runs none of it, and prints a line a version: whether
``warmup_ratio`` is a field, what a ``warmup_steps`` below 1 is, whether the end of a run is saved
and evaluated, and the epochs that nobody wrote.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

VERSIONS = [
    "4.30.0",
    "4.36.0",
    "4.41.0",
    "4.42.0",
    "4.44.0",
    "4.56.2",
    "5.0.0",
    "5.3.0",
    "5.4.0",
    "5.14.0",
    "5.15.0",
    "5.23.0",
]


def files(version: str, folder: str) -> dict[str, str]:
    """The two modules of a version, as text."""
    wanted = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
    subprocess.run([*wanted, f"transformers=={version}"], check=True)
    wheel = zipfile.ZipFile(next(Path(folder).glob(f"transformers-{version}-*.whl")))
    names = ("training_args", "trainer_callback")
    return {name: wheel.read(f"transformers/{name}.py").decode() for name in names}


def share(arguments: str) -> str:
    """What becomes of ``warmup_steps=0.03``."""
    if "isinstance(self.warmup_steps, int)" in arguments:
        return "ValueError"
    return "a share" if "num_training_steps * self.warmup_steps" in arguments else "no warm-up"


def line(version: str, folder: str) -> str:
    """All of it of one version."""
    found = files(version, folder)
    arguments, callback = found["training_args"], found["trainer_callback"]
    epochs = re.search(r"num_train_epochs: float = field\(default=([0-9.]+)", arguments)
    ratio = re.search(r"^    warmup_ratio:", arguments, re.MULTILINE)
    return (
        f"{version:8} warmup_ratio {'yes' if ratio else 'no ':3}  warmup_steps=0.03 "
        f"{share(arguments):10}  saved at the end {'Save the model at the end' in callback!s:5}  "
        f"evaluated at the end {'Evaluate at the end' in callback!s:5}  "
        f"epochs {epochs.group(1) if epochs else '?'}"
    )


def main() -> None:
    """Print a line for every version."""
    with tempfile.TemporaryDirectory() as folder:
        for version in sys.argv[1:] or VERSIONS:
            print(line(version, folder))


if __name__ == "__main__":
    main()
