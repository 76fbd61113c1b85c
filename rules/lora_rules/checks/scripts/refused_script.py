"""What transformers, TRL and Unsloth refuse of the calls of a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.checks.scripts.calls import argument, argument_is, base_load
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.refusals import Refusals, Written, judge, written
from lora_rules.engine.value import Known, Value, certainly
from lora_rules.program import Calls, Program
from lora_rules.recipe import Blocks, Call, Key

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins

LOADERS = ("unsloth.FastLanguageModel.from_pretrained", "unsloth.FastModel.from_pretrained")
OF_TRL = (
    "trl.SFTTrainer",
    "trl.DPOTrainer",
    "trl.KTOTrainer",
    "trl.RewardTrainer",
    "trl.GRPOTrainer",
    "trl.RLOOTrainer",
)
TRAINERS = ("transformers.Trainer", "transformers.Seq2SeqTrainer", *OF_TRL)


def refused_keywords(blocks: Blocks, framework: Behaviour, pins: Pins) -> Iterator[Problem]:
    """What each call that makes arguments, or loads a model, refuses of what it is given."""
    for block in blocks:
        for refusals in _of_receiver(block.receiver, framework):
            keys = written(block)
            pin = pins[refusals.owner]
            yield from judge(Written(_firm(keys), keys.complete), refusals, pin)


def _of_receiver(receiver: str, framework: Behaviour) -> Iterator[Refusals]:
    """What a call refuses; only its own library's table is imported."""
    if _makes_arguments(receiver):
        from lora_rules.libraries.transformers.refusals import IN_CALLS

        yield IN_CALLS
    if receiver.startswith("trl.") and framework.trl_arguments:
        from lora_rules.libraries.trl.refusals import OF_CALLS

        if receiver in OF_CALLS:
            yield OF_CALLS[receiver]
    if receiver in LOADERS:
        from lora_rules.libraries.unsloth.refusals import OF_LOADER

        yield OF_LOADER


def _makes_arguments(receiver: str) -> bool:
    """Whether it is transformers' TrainingArguments, or a class that inherits from it."""
    if not receiver.startswith(("transformers.", "trl.")):
        return False
    if receiver.endswith("TrainingArguments"):
        return True
    from lora_rules.libraries import signatures

    if not receiver.endswith("Config") or not signatures.is_known(receiver):
        return False
    return signatures.parent(receiver) == "transformers.TrainingArguments"


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
    data = [key for key in found[0].keys if key.name == "eval_dataset"]
    positional = any(name.isdigit() for call in given for name in call.things)
    none = all(key.candidates == (None,) and not key.overridable for key in data)
    return bool(given) and not positional and none


_OF_THE_BEST = (
    "load_best_model_at_end",
    "save_strategy",
    "eval_strategy",
    "evaluation_strategy",
    "save_steps",
    "eval_steps",
)


def is_best_model_set_later(program: Program) -> bool:
    """Whether what transformers compares in the constructor is set after it."""
    return any(program.calls.named(*(f"={name}" for name in _OF_THE_BEST)))


def best_model_when_made(program: Program) -> Iterator[Problem]:
    """The strategies that the constructor gets, and compares: what is set later comes too late."""
    for call in program.calls:
        if call.made is None or not _makes_arguments(call.name):
            continue
        best = call.arguments.get("load_best_model_at_end")
        names = [n for n in ("eval_strategy", "evaluation_strategy") if n in call.arguments]
        evaluates = argument(call, names[0], None) if len(names) == 1 else "no"
        saves = argument(call, "save_strategy", "steps")
        if best is None or not argument_is(best, value=True) or not call.complete:
            continue
        if len(names) > 1 or not isinstance(saves, str) or not isinstance(evaluates, str):
            continue
        if saves not in ("best", evaluates):
            yield Problem(
                best.span or call.span,
                f'load_best_model_at_end with save_strategy "{saves}" and eval_strategy '
                f'"{evaluates}" when the arguments are made: transformers raises ValueError there.',
                help="Give the strategies to the constructor.",
                key="transformers/best-model-needs-equal-strategies",
            )


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


def one_label(blocks: Blocks, num_labels: Value, pins: Pins) -> Iterator[Problem]:
    """A reward model with several labels, which TRL refuses since 0.29."""
    if not any(block.receiver == "trl.RewardTrainer" for block in blocks):
        return
    pin = pins["trl"]
    if not _is_written(num_labels) or not isinstance(num_labels, Known):
        return
    if num_labels.value == 1 or pin.at_commit or pin.certainly_below("0.29"):
        return
    certain = pin.bounded and pin.certainly_at_least("0.29")
    yield Problem(
        "num_labels",
        f"num_labels = {num_labels.value} under RewardTrainer: TRL raises ValueError.",
        severity=None if certain else Severity.WARNING,
        help="Load the model with num_labels=1.",
        key="trl/reward-model-needs-one-label",
    )


def collator_masks(program: Program) -> Iterator[Problem]:
    """The collator of masked language models, as it is by default, for a causal one."""
    for trainer in program.calls.trainers():
        collator = program.calls.maker(trainer.things.get("data_collator"))
        if collator is None or collator.name != "transformers.DataCollatorForLanguageModeling":
            continue
        load = base_load(program.calls, trainer.things.get("model"))
        causal = load is not None and load.name.startswith("transformers.AutoModelForCausalLM.")
        if causal and argument(collator, "mlm", True) is True:
            yield Problem(
                collator.span,
                "DataCollatorForLanguageModeling masks tokens by default, and the tokenizer of a "
                "causal language model has no mask token: ValueError.",
                help="Write mlm=False.",
                key="transformers/collator-masks-by-default",
            )


def adapter_on_head(blocks: Blocks, target_modules: Value, pins: Pins) -> Iterator[Problem]:
    """An adapter on the output head under a trainer whose loss reads the head's weight.

    TRL 1.16 raises (``sft_trainer.py`` and others); which version began is not known, so a pin
    decides.
    """
    pinned_trl = pins["trl"]
    readers = [block.receiver for block in blocks if block.receiver in _READ_THE_HEAD]
    if not readers:
        return
    names = target_modules.value if isinstance(target_modules, Known) else None
    if not isinstance(names, list | tuple) or "lm_head" not in names:
        return
    if pinned_trl.certainly_below("1.16") or pinned_trl.at_commit:
        return
    yield Problem(
        "target_modules",
        f"{readers[0][4:]} of TRL 1.16 raises ValueError for an adapter on lm_head: its loss reads "
        "the head's weight itself, so that the adapter would never be trained.",
        severity=None if pinned_trl.certainly_at_least("1.16") else Severity.WARNING,
        help='Leave "lm_head" out, or train it whole with modules_to_save.',
        key="trl/adapter-on-lm-head",
    )


_READ_THE_HEAD = tuple(name for name in OF_TRL if name != "trl.RewardTrainer")


def is_odd(calls: Calls, trainer: Call) -> bool:
    """Whether what a trainer is given is worth a look: a constant for an object, or nothing."""
    given = trainer.arguments
    if "train_dataset" not in given or "ref_model" in given:
        return True
    if any(name in given and given[name].candidates for name in _OBJECTS):
        return True
    if calls.last_named("from_list") or calls.last_named("from_dict"):
        return True
    arguments = calls.maker(trainer.things.get("args"))
    return arguments is not None and "sync_ref_model" in arguments.arguments


_OBJECTS = ("model", "optimizers", "train_dataset", "peft_config", "reward_funcs")
