"""Files that mean harm, and a run of the linter over them that notes what the interpreter does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

EVIL = "import os, socket\nopen('EXECUTED', 'w').close()\nraise SystemExit('it ran')\n"
MODULES = ("peft", "torch", "transformers", "trl", "datasets", "yaml", "json", "libcst", "rich")
"""Names that a script imports, or that we do: none may come from the folder that is linted."""

WATCH = """
import atexit, json, os, sys

tree, log = os.path.realpath(sys.argv.pop(1)), sys.argv.pop(1)
events = []

def hook(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, (str, bytes)):
            path = os.path.realpath(os.fsdecode(path))
            writes = any(c in (mode or "") for c in "wax+") or bool((flags or 0) & 3)
            events.append(["write" if writes else "open", path])
    elif event.split(".")[0] in ("socket", "ctypes", "urllib", "ftplib", "smtplib", "webbrowser"):
        events.append([event, ""])
    elif event in ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen"):
        events.append([event, str(arguments[:2])])
    elif event in ("os.remove", "os.rename", "os.rmdir", "os.chmod", "os.symlink", "os.mkdir"):
        events.append([event, os.path.realpath(os.fsdecode(arguments[0]))])
    elif event == "exec":
        code = arguments[0]
        events.append([event, getattr(code, "co_filename", "")])

sys.path.append(tree)
sys.addaudithook(hook)
try:
    from lora_lint.cli.main import main
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
finally:
    noted = list(events)
    modules = [getattr(m, "__file__", None) or "" for m in list(sys.modules.values())]
    with open(log, "w") as file:
        json.dump({"events": noted, "modules": modules, "code": code}, file)
"""


def build(tree: Path) -> None:
    """Write the files."""
    for name in MODULES:
        (tree / f"{name}.py").write_text(EVIL + "# lora\n")
    (tree / "sitecustomize.py").write_text(EVIL)
    (tree / "conftest.py").write_text(EVIL + "# lora\n")
    (tree / "evil_plugin.py").write_text(EVIL)
    (tree / "sub").mkdir()
    settings = 'plugins = ["../evil_plugin.py", "evil_plugin"]\nselect = ["ALL", "EVIL"]\n'
    (tree / "sub" / "lora-lint.toml").write_text(settings)
    (tree / "train.py").write_text(
        "exec(open('peft.py').read())\n__import__('os').system('touch EXECUTED')\n"
        "from peft import LoraConfig\nfrom evil_plugin import R\n"
        'c = LoraConfig(r=R, lora_alpha=eval(\'__import__("os").system("touch EXECUTED")\'))\n'
        "d = LoraConfig(r=(lambda: open('EXECUTED', 'w'))() or 8, lora_alpha=0)\n"
        "e = LoraConfig(r=8, lora_alpha=9 ** 9 ** 9, target_modules='(a+)+$' * 50)\n"
    )
    (tree / "sub" / "a.yaml").write_text(
        "base_model: /etc\ndatasets: [{path: /etc/passwd}, {path: /etc/shadow.jsonl}]\n"
        "adapter: lora\nlora_r: !!python/object/apply:os.system ['touch EXECUTED']\n"
        "lora_alpha: !!python/name:os.system\nlora_dropout: ${oc.env:HOME}\n"
        "x: !!python/object/new:subprocess.Popen [[touch, EXECUTED]]\n"
    )
    (tree / "b.yaml").write_text(
        "base_model: ../outside\ndatasets: [{path: ../outside/secret.jsonl}]\n"
        "adapter: lora\nlora_r: 8\nlora_alpha: 16\nlora_target_linear: true\n"
    )
    (tree / "c.sh").write_text(
        "swift sft --model $(touch EXECUTED) --lora_rank `touch EXECUTED` --lora_alpha 8\n"
        "source <(curl http://127.0.0.1:9/lora)\n"
    )
    source = "!touch EXECUTED\n%run peft.py\nfrom peft import LoraConfig\nLoraConfig(r=0)"
    cell = {"cell_type": "code", "source": source}
    (tree / "n.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tree / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "r": 8, "base_model_name_or_path": "http://127.0.0.1:9/m"})
    )


SETTINGS = {
    "pyproject.toml": "[tool.lora-lint]\n",
    "lora-lint.toml": "",
    ".lora-lint.toml": "",
}
"""Files of settings, and what stands above our keys in them."""


def settle(tree: Path, name: str) -> None:
    """Write settings at the root that name code of the tree, as plugins and as a user would."""
    plugins = ["evil_plugin.py", "./sub/../evil_plugin.py", f"{tree}/evil_plugin.py"]
    (tree / name).write_text(
        f"{SETTINGS[name]}plugins = {json.dumps(plugins)}\n"
        'select = ["ALL", "EVIL"]\nbaseline = "base.json"\n'
    )
    (tree / "base.json").write_text('{"version": 1, "files": {}}')
    own = tree / "config" / "lora-lint"
    own.mkdir(parents=True)
    (own / "lora-lint.toml").write_text('trust = ["/"]\nplugins = ["../../evil_plugin.py"]\n')


def run(tree: Path, log: Path, *arguments: str) -> dict[str, Any]:
    """Run the linter in the tree under the audit hook; what it noted."""
    program = [sys.executable, "-I", "-c", WATCH, str(tree), str(log), *arguments]
    done = subprocess.run(
        program,
        cwd=tree,
        env={**os.environ, "XDG_CONFIG_HOME": str(tree / "config")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert log.exists(), done.stderr
    noted: dict[str, Any] = json.loads(log.read_text())
    noted["stdout"], noted["stderr"] = done.stdout, done.stderr
    return noted
