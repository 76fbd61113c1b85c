"""What the README says of the dialects; its picture and table are tested in test_docs.py."""

from __future__ import annotations

import re

from conftest import ROOT

README = (ROOT / "README.md").read_text()


def test_every_dialect_table_has_its_framework_in_the_readme() -> None:
    from lora_lint.translate import framework as dialect

    said = README.lower()
    for name in dialect.names():
        if name in ("generic", "peft-adapter-json", "lora-launch"):
            continue
        framework = re.sub(r" v1| \(.*\)", "", dialect.load(name).framework)
        assert framework.lower() in said, framework
