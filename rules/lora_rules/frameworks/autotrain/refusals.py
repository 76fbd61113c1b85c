"""What AutoTrain refuses."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, Written, missing, where

LONGEST = 50
"""Characters of a project's name."""


def _is_no_name(keys: Written) -> bool:
    name = keys.value("project_name")
    if not isinstance(name, str) or not name or "$" in name:
        return False
    return not name.replace("-", "").isalnum() or len(name) > LONGEST


ROWS = (
    Refusal(
        "project-name-not-alphanumeric",
        "project_name",
        (where(_is_no_name, "project_name"),),
        "a project_name with more than letters, digits and hyphens, or of more than 50 characters",
        "Write it with hyphens.",
        first="0.7.0",
    ),
    Refusal(
        "backend-missing",
        "task",
        (where(lambda keys: "task" in keys.keys, "task"), missing("backend")),
        "a file without backend",
        "Add backend: local.",
        first="0.7.100",
    ),
)

REFUSALS = (
    Refusals(
        "autotrain",
        "AutoTrain",
        ROWS,
        "https://github.com/huggingface/autotrain-advanced, src/autotrain/trainers/common.py, "
        "parser.py",
        "AutoTrain raises it when it reads its settings.",
    ),
)
