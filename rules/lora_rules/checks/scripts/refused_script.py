"""What transformers, TRL and Unsloth refuse of the calls of a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.checks.scripts.refused_head import adapter_on_head
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem
from lora_rules.engine.refusals import Refusals, Written, judge, written
from lora_rules.program import program_of
from lora_rules.recipe import Key, Recipe

ARGUMENTS = ("transformers.TrainingArguments", "transformers.Seq2SeqTrainingArguments")
LOADERS = ("unsloth.FastLanguageModel.from_pretrained", "unsloth.FastModel.from_pretrained")


def refused_in_script(recipe: Recipe, framework: Behaviour) -> Iterator[Problem]:
    """Everything that is refused in a recipe of a script."""
    yield from _calls(recipe, framework)
    yield from _trainer(recipe, framework)
    yield from adapter_on_head(recipe)


def _calls(recipe: Recipe, framework: Behaviour) -> Iterator[Problem]:
    """Of a script: what each call that makes arguments is given."""
    for block in recipe.blocks:
        for refusals in _of_receiver(block.receiver, framework):
            keys = written(block)
            yield from judge(Written(_firm(recipe, keys), keys.complete), refusals)


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


def _firm(recipe: Recipe, keys: Written) -> Mapping[str, Key]:
    """The keys, without the values that a flag of the script can change."""
    loose = {name for name, setting in recipe.settings.items() if setting.overridable}
    return {
        name: Key(key.name, key.span, value_span=key.value_span) if name in loose else key
        for name, key in keys.keys.items()
    }


def _trainer(recipe: Recipe, framework: Behaviour) -> Iterator[Problem]:
    """Of transformers' and TRL's arguments, whichever call gives them."""
    if recipe.known("load_best_model_at_end") is True:
        yield from _best_model(recipe)
    if recipe.known("packing") is True and framework.trl_arguments and _has_no_length(recipe):
        yield Problem(
            "packing",
            "packing with max_length=None: TRL raises ValueError.",
            also=("max_length",),
            key="trl/packing-needs-max-length",
        )
    strategy = recipe.settings.get("eval_strategy")
    if strategy is None or not strategy.written or strategy.candidates in ((), ("no",), (None,)):
        return
    if len(strategy.candidates) == 1 and _lacks_evaluation_data(recipe):
        yield Problem(
            "eval_strategy",
            f'eval_strategy = "{strategy.value}" and the trainer gets no eval_dataset: '
            "transformers raises ValueError.",
            key="transformers/eval-strategy-needs-eval-dataset",
        )


def _has_no_length(recipe: Recipe) -> bool:
    setting = recipe.settings.get("max_length")
    return setting is not None and setting.written and setting.candidates == (None,)


def _best_model(recipe: Recipe) -> Iterator[Problem]:
    save, evaluate = recipe.known("save_strategy"), recipe.known("eval_strategy")
    if not isinstance(save, str) or not isinstance(evaluate, str) or save == "best":
        return
    if save != evaluate:
        yield Problem(
            "load_best_model_at_end",
            f'load_best_model_at_end with save_strategy "{save}" and eval_strategy "{evaluate}": '
            "they have to be the same, transformers raises ValueError.",
            also=("save_strategy", "eval_strategy"),
            key="transformers/best-model-needs-equal-strategies",
        )
        return
    every, each = recipe.known("save_steps"), recipe.known("eval_steps")
    if not isinstance(every, int) or not isinstance(each, int) or every < 1 or each < 1:
        return
    if save == "steps" and every % each:
        yield Problem(
            "load_best_model_at_end",
            f"load_best_model_at_end with save_steps {every}, which is no multiple of eval_steps "
            f"{each}: transformers raises ValueError.",
            also=("save_steps", "eval_steps"),
            key="transformers/best-model-needs-save-steps-multiple",
        )


TRAINERS = ("transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer")


def _lacks_evaluation_data(recipe: Recipe) -> bool:
    """Whether the one trainer of the script is seen whole, and gets no data to evaluate on."""
    found = [block for block in recipe.blocks if block.receiver.endswith("Trainer")]
    if len(found) != 1 or found[0].receiver not in TRAINERS or not found[0].complete:
        return False
    given = program_of(recipe).calls.at(found[0].span)
    named = {key.name for key in found[0].keys}
    positional = any(name.isdigit() for call in given for name in call.things)
    return bool(given) and not positional and "eval_dataset" not in named
