"""What transformers, TRL and Unsloth refuse of the calls of a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.refusals import Refusals, Written, judge, written
from lora_rules.engine.value import Known, Value, certainly
from lora_rules.engine.version_range import VersionRange
from lora_rules.program import Program
from lora_rules.recipe import Blocks, Key

ARGUMENTS = ("transformers.TrainingArguments", "transformers.Seq2SeqTrainingArguments")
LOADERS = ("unsloth.FastLanguageModel.from_pretrained", "unsloth.FastModel.from_pretrained")
TRAINERS = ("transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer")


def refused_keywords(blocks: Blocks, framework: Behaviour) -> Iterator[Problem]:
    """What each call that makes arguments, or loads a model, refuses of what it is given."""
    for block in blocks:
        for refusals in _of_receiver(block.receiver, framework):
            keys = written(block)
            yield from judge(Written(_firm(keys), keys.complete), refusals)


def _of_receiver(receiver: str, framework: Behaviour) -> Iterator[Refusals]:
    """What a call refuses; only its own library's table is imported."""
    if receiver in ARGUMENTS or receiver == "trl.SFTConfig":
        from lora_rules.libraries.transformers.refusals import IN_CALLS

        yield IN_CALLS
    if receiver == "trl.SFTConfig" and framework.trl_arguments:
        from lora_rules.libraries.trl.refusals import REFUSALS

        yield REFUSALS
    if receiver in LOADERS:
        from lora_rules.libraries.unsloth.refusals import OF_LOADER

        yield OF_LOADER


def _firm(keys: Written) -> Mapping[str, Key]:
    """The keys, without the values that a flag of the script can change."""
    return {
        name: Key(key.name, key.span, value_span=key.value_span) if key.overridable else key
        for name, key in keys.keys.items()
    }


def packing_without_length(packing: Value, max_length: Value) -> Iterator[Problem]:
    """TRL packs up to a length, which is written to be none."""
    if certainly(packing, True) and _is_written(max_length) and certainly(max_length, None):
        yield Problem(
            "packing",
            "packing with max_length=None: TRL raises ValueError.",
            also=("max_length",),
            key="trl/packing-needs-max-length",
        )


def evaluation_without_data(
    eval_strategy: Value, blocks: Blocks, program: Program
) -> Iterator[Problem]:
    """Evaluation is asked for, and the trainer gets nothing to evaluate on."""
    if not isinstance(eval_strategy, Known) or not eval_strategy.setting.written:
        return
    if eval_strategy.value not in ("no", None) and _lacks_evaluation_data(blocks, program):
        yield Problem(
            "eval_strategy",
            f'eval_strategy = "{eval_strategy.value}" and the trainer gets no eval_dataset: '
            "transformers raises ValueError.",
            key="transformers/eval-strategy-needs-eval-dataset",
        )


def _is_written(value: Value) -> bool:
    return isinstance(value, Known) and value.setting.written


def _lacks_evaluation_data(blocks: Blocks, program: Program) -> bool:
    """Whether the one trainer of the script is seen whole, and gets no data to evaluate on."""
    found = [block for block in blocks if block.receiver.endswith("Trainer")]
    if len(found) != 1 or found[0].receiver not in TRAINERS or not found[0].complete:
        return False
    given = program.calls.at(found[0].span)
    named = {key.name for key in found[0].keys}
    positional = any(name.isdigit() for call in given for name in call.things)
    return bool(given) and not positional and "eval_dataset" not in named


def best_model_strategies(save_strategy: Value, eval_strategy: Value) -> Iterator[Problem]:
    """The best model is loaded at the end, and is not always saved when it is evaluated."""
    saves, evaluates = _text(save_strategy), _text(eval_strategy)
    if saves and evaluates and saves not in ("best", evaluates):
        yield Problem(
            "load_best_model_at_end",
            f'load_best_model_at_end with save_strategy "{saves}" and eval_strategy '
            f'"{evaluates}": they have to be the same, transformers raises ValueError.',
            also=("save_strategy", "eval_strategy"),
            key="transformers/best-model-needs-equal-strategies",
        )


def best_model_steps(
    save_strategy: Value, eval_strategy: Value, save_steps: Value, eval_steps: Value
) -> Iterator[Problem]:
    """The same, where both happen every so many steps."""
    if _text(save_strategy) != "steps" or _text(eval_strategy) != "steps":
        return
    every, each = _steps(save_steps), _steps(eval_steps)
    if every and each and every % each:
        yield Problem(
            "load_best_model_at_end",
            f"load_best_model_at_end with save_steps {every}, which is no multiple of eval_steps "
            f"{each}: transformers raises ValueError.",
            also=("save_steps", "eval_steps"),
            key="transformers/best-model-needs-save-steps-multiple",
        )


def _text(value: Value) -> str:
    return value.value if isinstance(value, Known) and isinstance(value.value, str) else ""


def _steps(value: Value) -> int:
    """How many steps, if it is a number of them; else 0."""
    if not isinstance(value, Known) or not isinstance(value.value, int):
        return 0
    return max(value.value, 0)


def adapter_on_head(
    blocks: Blocks, target_modules: Value, pinned_trl: VersionRange
) -> Iterator[Problem]:
    """An adapter on the output head under SFTTrainer, whose loss reads the head's weight.

    TRL 1.16 raises (``sft_trainer.py``); which version began is not known, so a pin decides.
    """
    if not any(block.receiver == "trl.SFTTrainer" for block in blocks):
        return
    names = target_modules.value if isinstance(target_modules, Known) else None
    if not isinstance(names, list | tuple) or "lm_head" not in names:
        return
    if pinned_trl.certainly_below("1.16") or pinned_trl.at_commit:
        return
    yield Problem(
        "target_modules",
        "SFTTrainer of TRL 1.16 raises ValueError for an adapter on lm_head: its loss reads the "
        "head's weight itself, so that the adapter would never be trained.",
        severity=None if pinned_trl.certainly_at_least("1.16") else Severity.WARNING,
        help='Leave "lm_head" out, or train it whole with modules_to_save.',
        key="trl/adapter-on-lm-head",
    )
