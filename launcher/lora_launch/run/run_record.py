"""``run.json``: everything that somebody needs who asks a year later what this adapter is."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

LIBRARIES = (
    "lora-lint",
    "torch",
    "transformers",
    "peft",
    "trl",
    "accelerate",
    "bitsandbytes",
    "datasets",
    "tokenizers",
)


def now() -> str:
    """The time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str | None]:
    """The installed libraries' versions, without importing them."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def git(folder: str) -> dict[str, Any] | None:
    """The commit of the configuration's repository, and whether files differ from it."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {
        "commit": commit,
        "branch": _git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "changed": bool(_git(folder, "status", "--porcelain", "--untracked-files=no")),
    }


def _git(folder: str, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def begin(
    *,
    name: str,
    path: str,
    text: str,
    changes: tuple[str, ...],
    identity: Mapping[str, Any],
    digest: str,
    config: Mapping[str, Any],
    gate: Mapping[str, Any],
    plan: Mapping[str, Any],
) -> dict[str, Any]:
    """The record of a run that is about to start."""
    return {
        "version": 1,
        "name": name,
        "status": "running",
        "hash": digest,
        "identity": dict(identity),
        "configuration": {"path": path, "text": text, "set": list(changes), "sections": config},
        "gate": dict(gate),
        "plan": dict(plan),
        "versions": versions(),
        "git": git(os.path.dirname(os.path.abspath(path))),
        "host": {"name": platform.node(), "system": platform.platform(), "cores": os.cpu_count()},
        "command": sys.argv,
        "started": now(),
        "attempts": [],
        "adjustments": [],
    }


def card(record: Mapping[str, Any], final: Mapping[str, Any]) -> str:
    """The adapter's model card."""
    sections = record["configuration"]["sections"]
    base = sections["model"]["pretrained_model_name_or_path"]
    lora = sections["lora"]
    loss = final.get("final_loss")
    lines = [
        "---",
        *([f"base_model: {base}"] if not os.path.isabs(base) else []),
        "library_name: peft",
        "tags: [lora, lora-launch]",
        "---",
        "",
        f"# {record['name']}",
        "",
        f"A LoRA adapter for `{os.path.basename(base) if os.path.isabs(base) else base}`, trained"
        " with TRL's SFTTrainer by lora-launch.",
        "",
        "| | |",
        "|---|---|",
        *(f"| `{key}` | `{value}` |" for key, value in sorted(lora.items())),
        f"| global batch | {record['plan']['global_batch']} |",
        f"| steps | {record.get('outcome', {}).get('step')} |",
        *([f"| evaluation loss | {loss:.4f} |"] if loss is not None else []),
        f"| configuration hash | `{record['hash']}` |",
        "",
        "Versions: "
        + ", ".join(f"{name} {found}" for name, found in record["versions"].items() if found)
        + ".",
        "",
    ]
    return "\n".join(lines)
