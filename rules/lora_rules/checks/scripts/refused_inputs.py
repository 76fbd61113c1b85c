"""What transformers and TRL refuse of what their trainers are given: model, data, rewards.

What TRL 1.16 refuses may have been taken by older versions: a pin decides. Without one it is a
warning; nothing, where older versions are known to take it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import UNKNOWN, argument, trains
from lora_rules.checks.scripts.refused_script import OF_TRL, TRAINERS
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Setting, Thing

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins


def refused_inputs(program: Program, pins: Pins) -> Iterator[Problem]:
    """What the trainers of a script refuse."""
    trainers = program.calls.named(*TRAINERS)
    if not trainers:
        return
    for trainer in trainers:
        yield from _without_model(trainer)
        yield from _without_optimizers(trainer)
    yield from _reference_is_the_model(program)
    pinned_trl = pins["trl"]
    if pinned_trl.certainly_below("1.16") or pinned_trl.at_commit:
        return
    severity = None if pinned_trl.certainly_at_least("1.16") else Severity.WARNING
    for trainer in trainers:
        if trainer.name not in OF_TRL or any(name.isdigit() for name in trainer.arguments):
            continue
        if severity is None:
            yield from _without_data(program.calls, trainer)
            yield from _given_a_list(trainer)
        yield from _without_columns(program.calls, trainer, severity)
        yield from _adapter_as_dictionary(trainer, severity)
        yield from _without_rewards(trainer, severity)
        yield from _synced_reference(program.calls, trainer, severity)


def _without_model(trainer: Call) -> Iterator[Problem]:
    given = trainer.arguments.get("model")
    if given is None or not _is_none(given) or "model" in trainer.things:
        return
    if argument(trainer, "model_init", None) is None:
        yield Problem(
            given.span or trainer.span,
            f"{trainer.name.rpartition('.')[2]} gets model=None, and no model_init: it raises.",
            help="Give it the model.",
            key="transformers/trainer-without-model",
        )


def _without_optimizers(trainer: Call) -> Iterator[Problem]:
    given = trainer.arguments.get("optimizers")
    if given is not None and _is_none(given) and "optimizers" not in trainer.things:
        yield Problem(
            given.span or trainer.span,
            "optimizers=None is no pair of an optimizer and a scheduler: TypeError.",
            help="Leave it out, or write (None, None).",
            key="transformers/optimizers-is-no-pair",
        )


def _reference_is_the_model(program: Program) -> Iterator[Problem]:
    """The model that is trained is its own reference."""
    for call in program.calls.named("trl.DPOTrainer", "trl.KTOTrainer"):
        model, reference = call.things.get("model"), call.things.get("ref_model")
        if model is not None and model == reference and "ref_model" in call.arguments:
            yield Problem(
                call.arguments["ref_model"].span or call.span,
                "ref_model is the model that is trained: TRL raises ValueError.",
                help="Leave ref_model out: the base model without its adapter is the reference.",
                key="trl/reference-is-the-model",
            )


def _without_data(calls: Calls, trainer: Call) -> Iterator[Problem]:
    """It says so, or is started as it is: one that is never started may be an excerpt."""
    if "environment_factory" in trainer.arguments:
        return
    given = trainer.arguments.get("train_dataset")
    if _is_none(given) if given is not None else trainer.complete and _is_started(calls, trainer):
        yield Problem(
            trainer.span,
            "the trainer gets no train_dataset: TRL 1.16 raises ValueError.",
            key="trl/trainer-without-data",
        )


def _is_started(calls: Calls, trainer: Call) -> bool:
    made = trainer.made
    return made is not None and any(trains(call, made) for call in calls.touching(made))


def _is_none(given: Setting) -> bool:
    """Whether an argument is ``None``, and nobody who calls the script can give another."""
    return given.candidates == (None,) and not given.overridable


def _given_a_list(trainer: Call) -> Iterator[Problem]:
    given = trainer.arguments.get("train_dataset")
    if given is None or not given.candidates or given.overridable:
        return
    if all(isinstance(value, list | dict) for value in given.candidates):
        yield Problem(
            given.span or trainer.span,
            "train_dataset is no Dataset: TRL 1.16 raises TypeError.",
            help="Make one of it: datasets.Dataset.from_list(rows).",
            key="trl/data-is-no-dataset",
        )


def _without_columns(calls: Calls, trainer: Call, severity: Severity | None) -> Iterator[Problem]:
    """Rows that the script itself writes, without a column that the trainer reads."""
    columns = columns_of(calls, trainer.things.get("train_dataset"))
    if not columns:
        return
    wanted = next(_wanted(calls, trainer, columns), ())
    lacking = [name for name in wanted if name not in columns]
    if lacking:
        yield Problem(
            trainer.arguments["train_dataset"].span or trainer.span,
            f"the rows of train_dataset have the columns {', '.join(sorted(columns))}, and "
            f"{trainer.name[4:]} reads {', '.join(wanted)}: TRL raises KeyError.",
            severity=severity,
            help=f"Name the columns as the trainer reads them: {', '.join(lacking)} is missing.",
            key="trl/rows-without-columns",
        )


def _wanted(calls: Calls, trainer: Call, columns: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """The columns that a trainer reads of such rows; nothing where it is not known."""
    if any(name.endswith("_ids") and name != "input_ids" for name in columns):
        return  # tokens already
    if trainer.name in ("trl.DPOTrainer", "trl.RewardTrainer"):
        yield ("chosen", "rejected")
    elif trainer.name == "trl.KTOTrainer" and not {"chosen", "rejected"} <= columns:
        yield ("prompt", "completion", "label")
    elif trainer.name == "trl.SFTTrainer" and not columns & _NO_TEXT:
        if "prompt" in columns:
            yield ("prompt", "completion")
        elif _reads_a_text(calls, trainer):
            yield from _text_column(calls, trainer)


_NO_TEXT = frozenset(["conversations", "input_ids", "messages"])
"""Columns that SFTTrainer makes its tokens of, or has for them, without a text."""


def _reads_a_text(calls: Calls, trainer: Call) -> bool:
    """Whether nothing makes the text that SFTTrainer trains on, and nothing else is asked for."""
    return all(
        argument(trainer, name, None) is None
        for name in ("formatting_func", "data_collator", "dataset_text_field")
    )


def _text_column(calls: Calls, trainer: Call) -> Iterator[tuple[str, ...]]:
    arguments = calls.maker(trainer.things.get("args"))
    if arguments is None:
        if argument(trainer, "args", None) is None:
            yield ("text",)
        return
    if arguments.name != "trl.SFTConfig" or argument(arguments, "dataset_kwargs", None) is not None:
        return
    name = argument(arguments, "dataset_text_field", "text")
    if isinstance(name, str):
        yield (name,)


KEEPING = frozenset(["filter", "select", "shuffle", "skip", "sort", "take", "train_test_split"])
"""Methods of a dataset that change its rows and not its columns."""


def columns_of(calls: Calls, data: Thing | None) -> frozenset[str]:
    """The columns of a dataset whose rows stand in the script; none where they are not known."""
    if data is None or not _keeps_columns(data.part):
        return frozenset()
    made = calls.maker(Thing(data.number))
    if made is None or not made.complete:
        return frozenset()
    rows = made.arguments.get("0") or made.arguments.get("mapping")
    if rows is None or not rows.known or rows.overridable:
        return frozenset()
    if made.name == "datasets.Dataset.from_dict" and isinstance(rows.value, dict):
        return frozenset(map(str, rows.value))
    if made.name != "datasets.Dataset.from_list" or not isinstance(rows.value, list):
        return frozenset()
    if not all(isinstance(row, dict) for row in rows.value):
        return frozenset()
    return frozenset(str(name) for row in rows.value for name in row)


def _keeps_columns(part: str) -> bool:
    """Whether a part of a dataset is reached by methods that keep its columns."""
    steps = part.replace('["train"]', "").replace('["test"]', "").split(".")
    return all(step.removesuffix("()") in KEEPING for step in steps if step)


def _adapter_as_dictionary(trainer: Call, severity: Severity | None) -> Iterator[Problem]:
    config = trainer.arguments.get("peft_config")
    if config is not None and config.known and isinstance(config.value, dict):
        yield Problem(
            config.span or trainer.span,
            "peft_config is a dictionary: TRL 1.16 raises TypeError.",
            severity=severity,
            help="Give it a LoraConfig.",
            key="trl/adapter-as-dictionary",
        )


def _without_rewards(trainer: Call, severity: Severity | None) -> Iterator[Problem]:
    if trainer.name not in ("trl.GRPOTrainer", "trl.RLOOTrainer"):
        return
    if argument(trainer, "environment_factory", None) is not None:
        return
    if argument(trainer, "reward_funcs", UNKNOWN) in (None, []):
        yield Problem(
            trainer.arguments["reward_funcs"].span or trainer.span,
            "reward_funcs names no reward: TRL 1.16 raises ValueError.",
            severity=severity,
            help="Give it a function that scores completions.",
            key="trl/trainer-without-rewards",
        )


def _synced_reference(calls: Calls, trainer: Call, severity: Severity | None) -> Iterator[Problem]:
    """A reference that follows the model, where the reference is the model without its adapter."""
    arguments = calls.maker(trainer.things.get("args"))
    if arguments is None or argument(arguments, "sync_ref_model", False) is not True:
        return
    if argument(trainer, "peft_config", None) is not None:
        yield Problem(
            arguments.arguments["sync_ref_model"].span or arguments.span,
            "sync_ref_model with an adapter: the reference is the base without it, and is no "
            "model of its own: TRL 1.16 raises NotImplementedError.",
            severity=severity,
            help="Leave it out.",
            key="trl/synced-reference-with-adapter",
        )
