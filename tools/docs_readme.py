"""What the README shows of the program: the picture at its top, and the table of rules."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from lora_lint.cli import main
from lora_lint.explain import rules_markdown
from lora_rules.rule import all_rules

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SHOWN = "examples/broken/train.py"


def readme() -> str:
    """The README with today's picture and table."""
    text = README.read_text()
    text = re.sub(
        rf"(\$ lora-lint {re.escape(SHOWN)}\n).*?(```\n)",
        lambda found: found[1] + _picture() + found[2],
        text,
        flags=re.DOTALL,
    )
    table = rules_markdown(all_rules().values())
    return re.sub(r"\| code \| name \|.*?\n(?!\|)", lambda _: table, text, flags=re.DOTALL)


def _picture() -> str:
    """What `lora-lint` prints of the file, from the repository's root."""
    out = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(out):
        main(["--no-cache", SHOWN])
    return out.getvalue()
