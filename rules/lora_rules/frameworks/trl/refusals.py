"""What TRL's own command refuses of a file, and the libraries that it hands the keys to."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, Written, equals, given, where
from lora_rules.libraries.transformers.refusals import IN_FILES
from lora_rules.libraries.trl.refusals import GROUPS, OF_CALLS
from lora_rules.libraries.trl.refusals import REFUSALS as OF_LIBRARY


def _fractions(keys: Written) -> list[bool]:
    """Of each dataset of a mixture, whether it is given a fraction."""
    rows = keys.value("datasets")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return []
    return [row.get("fraction") is not None for row in rows]


def _has_some_fractions(keys: Written) -> bool:
    return len(set(_fractions(keys))) == 2


ROWS = (
    Refusal(
        "packing-needs-max-length",
        "max_length",
        (given("packing"), equals("max_length", None)),
        "packing with max_length: null",
        "Give max_length a number.",
    ),
    Refusal(
        "some-datasets-without-fraction",
        "datasets",
        (where(_has_some_fractions, "datasets"),),
        "datasets of which some have a fraction and some none",
        "Give each a fraction, or none.",
    ),
    Refusal(
        "streaming-with-fractions",
        "streaming",
        (given("streaming"), where(lambda keys: any(_fractions(keys)), "datasets")),
        "streaming with datasets that have a fraction",
        "Remove the fractions, or streaming.",
    ),
    Refusal(
        "env-not-a-mapping",
        "env",
        (where(lambda keys: isinstance(keys.value("env"), str | int | list), "env"),),
        "env that is no mapping",
        "Write env as names with values.",
    ),
    Refusal(
        "datasets-with-dataset-name",
        "dataset_name",
        (given("datasets", "dataset_name"),),
        "datasets and dataset_name: TRL warns, and ignores dataset_name",
        "Write one of them.",
        raises="",
    ),
)


def _has_groups(keys: Written) -> bool:
    """Whether it is a file of GRPO or RLOO; distillation has a teacher."""
    taught = any(name.startswith("teacher_") for name in keys.keys)
    return bool(keys.known("num_generations")) and not taught


OF_GROUPS = where(_has_groups, "num_generations")
GROUPED = OF_CALLS["trl.GRPOConfig"]._replace(
    rows=tuple(
        row._replace(when=(OF_GROUPS, *row.when))
        for row in GROUPS
        if row.key not in ("batch-of-partial-groups", "evaluation-batch-of-partial-groups")
    )
)
"""What GRPOConfig and RLOOConfig refuse, where the keys say that the file is for one of them. A
file is written for some number of processes, which it does not say: 7 train where one generates."""

REFUSALS = (
    OF_LIBRARY,
    GROUPED,
    Refusals(
        "trl",
        "TRL",
        ROWS,
        "https://github.com/huggingface/trl, trl/scripts/utils.py, trl/trainer/sft_trainer.py",
        "TRL raises it when it reads the file, or when the trainer is made.",
    ),
    IN_FILES,
)
