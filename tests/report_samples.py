"""A run made by hand, and golden files to compare what it prints with.

``UPDATE_GOLDEN=1 pytest …`` writes the golden files anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from lora_lint.engine.finding import FileReport, Finding, NotChecked
from lora_lint.engine.result import RunProblem, RunResult
from lora_rules.engine.problem import Safety, Set, Severity
from lora_rules.engine.rule import Rule
from lora_rules.evidence import Source
from lora_rules.recipe import Origin, Recipe, Setting, Span

SNAPSHOTS = Path(__file__).parent / "snapshots"


def golden(name: str, text: str) -> None:
    """Compare with the golden file of that name, byte for byte."""
    path = SNAPSHOTS / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_text(encoding="utf-8"), f"{path}; UPDATE_GOLDEN=1 to accept"


def ratio_check(r: int, lora_alpha: float, *, low: float = 0.25, high: float = 4.0):
    """The adapter's scale is far outside what any recipe that works uses.

    ## What it checks

    `lora_alpha / r` | the scale.
    """


STUDY = Source("hu-2021", "C", "Hu et al. 2021, LoRA", "https://arxiv.org/abs/2106.09685", "Hu")
ratio_check.evidence = (STUDY.says("Ok."),)
RATIO = Rule("LL102", "alpha-rank-ratio-out-of-range", Severity.WARNING, ratio_check)

YAML = """\
base_model: meta-llama/Llama-3.1-8B
adapter: lora
lora_r: 8
# 学习率
lora_alpha: 512  # 缩放
lora_dropout: 0.05
""".splitlines()
YAML_FILE = FileReport(
    "configs/llama.yaml",
    (
        Finding(
            "configs/llama.yaml",
            "LL102",
            RATIO.name,
            Severity.ERROR,
            "lora_alpha / r is 512 / 8 = 64, far above the 0.25 to 4 of every recipe that is known "
            "to work; the first steps will throw the model off.",
            Span(5, 13, 5, 16),
            help="Set lora_alpha to 16.",
            also=((Span(3, 9, 3, 10), "lora_r"),),
            edits=(Set("lora_alpha", 16),),
        ),
        Finding(
            "configs/llama.yaml",
            "LL301",
            "dropout-at-tiny-rank",
            Severity.WARNING,
            "dropout 0.05 at rank 8.",
            Span(6, 15, 6, 19),
            certain=False,
        ),
        Finding(
            "configs/llama.yaml",
            "LL701",
            "something",
            Severity.INFO,
            "not told.",
            Span(1, 1, 1, 2),
            suppressed="on purpose, #12",
        ),
    ),
    tuple(YAML),
    recipes=1,
    dialects=("axolotl",),
    not_checked=(NotChecked("line 1: LL601 does-not-fit: gpu is not given", "LL601", "gpu"),),
    rules=119,
)
CALL = ["\tconfig = LoraConfig(", "\t\tr=4, 名=1, lora_dropout=0.1,", "\t)"]
NOTEBOOK = FileReport(
    "run me.ipynb",
    (
        Finding(
            "run me.ipynb",
            "LL301",
            "dropout-at-tiny-rank",
            Severity.WARNING,
            "dropout 0.1 at rank 4.",
            Span(2, 13, 2, 29, 3),
            help="Take lora_dropout out.",
            also=((Span(1, 1, 1, 5, 1), "r is set here"),),
            safety=Safety.SAFE,
            edits=(Set("lora_dropout", 0.0),),
        ),
        Finding(
            "run me.ipynb", "LL090", "unused-x", Severity.INFO, "whole call.", Span(1, 11, 3, 3, 3)
        ),
    ),
    cells=(("r=4\u202e",), (), tuple(CALL)),
    recipes=2,
    dialects=("peft", "unsloth"),
)
SOUND = FileReport("configs/sound.yaml", lines=("a: 1",), recipes=11, dialects=("trl",))
BROKEN = FileReport("configs/broken.yaml", unreadable="line 3: a tab where no tab may stand")

RESULT = RunResult(
    (YAML_FILE, NOTEBOOK, SOUND, BROKEN),
    (
        RunProblem("no such file", "gone.yaml"),
        RunProblem("the `[` after ignore is never closed", "a,b.py", 7, fatal=False),
    ),
    31,
)
CLEAN = RunResult((SOUND,), (), 4)


def setting(name: str, *candidates: object, **more: object) -> Setting:
    given = {"origin": Origin.WRITTEN, "key": name, **more}
    return Setting(name, candidates, **given)  # type: ignore[arg-type]


RECIPES = (
    Recipe(
        "configs/llama.yaml",
        "yaml",
        "axolotl",
        Span(1, 1, 6, 1),
        {
            "base_model": setting("base_model", "meta-llama/Llama-3.1-8B", span=Span(1, 13, 1, 36)),
            "r": setting("r", 8, 16, key="lora_r", span=Span(3, 9, 3, 10)),
            "target_modules": setting(
                "target_modules",
                ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
                origin=Origin.DERIVED,
                source="lora_target_linear",
                span=Span(4, 1, 4, 2),
            ),
            "lora_dropout": setting(
                "lora_dropout", 0.0, origin=Origin.DEFAULT, source="axolotl's own"
            ),
            "learning_rate": setting(
                "learning_rate", reason="a template: {{ lr }}", span=Span(12, 16, 12, 24)
            ),
            "load_in_4bit": setting("load_in_4bit", True, span=Span(5, 1, 5, 5)),
            "dataset": setting("dataset", "数据/训练.jsonl", span=Span(7, 1, 7, 5)),
            "gpu": setting("gpu", "RTX 4090", source="the command line"),
        },
        framework="Axolotl",
    ),
    Recipe(
        "run me.ipynb",
        "notebook",
        "peft",
        Span(2, 1, 4, 2, 3),
        {
            "r": setting(
                "r",
                64,
                span=Span(2, 5, 2, 11, 3),
                declared=Span(1, 1, 1, 3, 2),
                overridable=True,
                source="the default of --lora_r",
            ),
            "odd": setting("odd", float("nan"), b"\xff", {"b", "a"}, 10**9999),
        },
        callee="peft.LoraConfig",
        domain="image",
    ),
)
