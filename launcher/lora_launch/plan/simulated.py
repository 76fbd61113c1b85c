"""``--dry-run --simulate``: the simulator's word on the memory of the run that was planned."""

from __future__ import annotations

import argparse
import os
import tempfile

from lora_launch.config.document import Document
from lora_launch.plan.devices import Devices


def tell(document: Document, devices: Devices) -> int:
    """Simulate the document as it would run; the answer is the exit code.

    The simulator reads files, so a text with ``--set`` in it is put beside the original, where its
    relative paths mean the same.
    """
    from lora_launch.plan import simulate

    parser = argparse.ArgumentParser()
    simulate.add_arguments(parser)
    arguments = ["--gpu", devices.name] if devices.gpu is not None else []
    arguments += ["--world-size", str(devices.count)] if devices.count > 1 else []
    if not document.changes:
        return int(simulate.run(parser.parse_args([document.path, *arguments])))
    with tempfile.NamedTemporaryFile(
        "w", suffix=".yaml", prefix=".simulated-", dir=document.folder, encoding="utf-8"
    ) as file:
        file.write(document.text)
        file.flush()
        return int(simulate.run(parser.parse_args([os.path.relpath(file.name), *arguments])))
