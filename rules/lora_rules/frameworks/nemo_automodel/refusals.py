"""What NeMo Automodel refuses."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, either, given

ROWS = (
    Refusal(
        "target-modules-with-exclude-modules",
        "peft.exclude_modules",
        (given("peft.target_modules", "peft.exclude_modules"),),
        "peft.target_modules and peft.exclude_modules exclude each other",
        "Write one of them.",
    ),
    Refusal(
        "match-all-linear-with-target-modules",
        "peft.match_all_linear",
        (
            given("peft.match_all_linear"),
            either(given("peft.target_modules"), given("peft.exclude_modules")),
        ),
        "peft.match_all_linear with peft.target_modules or peft.exclude_modules",
        "Write one of them.",
    ),
)

REFUSALS = (
    Refusals(
        "nemo-automodel",
        "NeMo Automodel",
        ROWS,
        "https://github.com/NVIDIA-NeMo/Automodel, components/_peft/module_matcher.py",
        "NeMo Automodel raises it while it builds the adapter.",
    ),
)
