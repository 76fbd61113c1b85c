"""What peft-doctor says of files. Imported by ``peer_findings.py``; runs in a Python of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Said = list[tuple[str, str, str]]

TOOLS = Path(__file__).parent.parent / "tools"

SCRIPT = r"""
import json, sys, tempfile, warnings
from typer.testing import CliRunner
from peft_doctor.cli import app
from peft_doctor import diagnose_peft

sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
KEPT = ("error", "warning")
OTHER = ("memory.", "training.", "tokenizer.", "dataset.", "model.too_many_trainable_params")
empty = tempfile.NamedTemporaryFile("w", suffix=".py")


def issues(found):
    return [[i["severity"], i["code"], i["message"]] for i in found if i["severity"] in KEPT]


def command(path, model):
    args = ["check", path, "-o", "json", "--local-files-only"]
    done = CliRunner().invoke(app, args + (["--model", model] if model else []))
    return issues(json.loads(done.stdout)["issues"])


def written(value):
    return tuple(value["__tuple__"]) if isinstance(value, dict) and "__tuple__" in value else value


def function(name, settings):
    from oracle_models import built
    settings = {key: written(value) for key, value in settings.items()}
    found = issues(diagnose_peft(model=built(name), peft_config=settings).to_dict()["issues"])
    return [issue for issue in found if not issue[1].startswith(OTHER)]


always = {}
out = []
for each in json.load(sys.stdin):
    model = each.get("model", "")
    if model not in always:
        always[model] = [code for _, code, _ in command(empty.name, model)]
    said = [i for i in command(each["file"], model) if i[1] not in always[model]]
    more = function(each["name"], each["settings"]) if "settings" in each else []
    out.append([said, more])
print("ANSWER " + json.dumps(out))
"""


def ask(python: str, files: list[dict[str, Any]]) -> Sequence[tuple[Said, Said]]:
    """What the command and the function say of each file, errors and warnings."""
    done = subprocess.run(
        [python, "-c", SCRIPT, str(TOOLS)],
        input=json.dumps(files),
        capture_output=True,
        text=True,
        check=False,
        env={"HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin"},
    )
    line = next((row for row in done.stdout.splitlines() if row.startswith("ANSWER ")), None)
    if line is None:
        raise SystemExit(f"peft-doctor failed: {done.stderr[-2000:]}")
    return [(said, more) for said, more in json.loads(line.removeprefix("ANSWER "))]
