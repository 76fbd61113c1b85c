"""Rule LL012, refused-by-framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.keys import KeyPage
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.refusals import Written, judge, written
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Unknown, Value, certainly
from lora_rules.engine.views import Outline
from lora_rules.evidence import FRAMEWORK_SOURCES, TRANSFORMERS_SOURCE, TRL_SOURCE
from lora_rules.recipe import Block, Blocks, Key

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins
    from lora_rules.program import Program
    from lora_rules.repository import Repository


def keys() -> Iterator[KeyPage]:
    """Everything that is refused, by whom."""
    from lora_rules.frameworks.every_refusal import every_refusal
    from lora_rules.libraries.transformers.refusals import IN_CALLS
    from lora_rules.libraries.transformers.refusals import OF_TRAINER as TRANSFORMERS_TRAINER
    from lora_rules.libraries.trl.refusals import OF_TRAINER as TRL_TRAINER
    from lora_rules.libraries.trl.refusals import PAGES as OF_TRL
    from lora_rules.libraries.unsloth.refusals import OF_LOADER

    for refusals in (*every_refusal(), IN_CALLS, *OF_TRL, OF_LOADER):
        yield from refusals.pages()
    yield from (*TRANSFORMERS_TRAINER, *TRL_TRAINER)


BEST_MODEL = "load_best_model_at_end"
EVALUATING = ("eval_strategy", "evaluation_strategy", "do_eval", "evaluate_during_training")
"""Keys that say when a run evaluates, wherever they stand."""


@rule(
    "LL012",
    Severity.ERROR,
    evidence=[
        FRAMEWORK_SOURCES.says(
            "The validators of these frameworks raise for the keys that each section names; "
            "30 refusals, drawn at random, were read again at these commits."
        ),
        TRANSFORMERS_SOURCE.says(
            "TrainingArguments raises ValueError where load_best_model_at_end meets "
            "strategies that differ, Trainer where an eval_strategy has no eval_dataset."
        ),
        TRL_SOURCE.says(
            "SFTTrainer raises ValueError for an adapter on lm_head, whose weight its loss "
            "reads itself."
        ),
    ],
    keys=keys,
    of_records=True,
)
def refused_by_framework(
    framework: Behaviour,
    blocks: Blocks,
    target_modules: Value,
    packing: Value,
    max_length: Value,
    eval_strategy: Value,
    eval_steps: Value,
    save_strategy: Value,
    save_steps: Value,
    load_best_model_at_end: Value,
    num_labels: Value,
    pins: Pins,
    outline: Outline,
    deepspeed: Value,
    repository: Repository,
    program: Program | None = None,
) -> Iterator[Problem]:
    """Keys that the framework refuses together, or one that it refuses without another.

    ## What it checks
    Keys of a file, or keywords of a call, that the framework's own validator refuses together, or
    one that it refuses without another; each refusal has a key (`LL012:axolotl/...`) and a section
    of its own.

    - Files of axolotl, LLaMA-Factory, ms-swift, LitGPT, torchtune, NeMo Automodel, Ludwig, Oumi,
      LLM Foundry and AI Toolkit.
    - Scripts with transformers, TRL and Unsloth.
    - A warning where the framework only warns, or where older versions still take it.
    - Not checked: a value that is not known, a key that may arrive unseen.

    ## Why it matters
    The run ends with an exception when the configuration is read or the trainer is built, sometimes
    after the model has been loaded.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        num_train_epochs=1,
        max_length=2048,
        load_best_model_at_end=True,  # LL012: True
        save_strategy="epoch",
    )
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    warmup_steps: 10
    warmup_ratio: 0.03  # LL012: 0.03
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    warmup_ratio: 0.03
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if outline.result and not framework.uses_adapters:
        return
    if not framework.refuses_calls:
        asks = partial(_asks_for_zero3, deepspeed, repository)
        yield from _refused_in_file(blocks, framework, pins, asks)
        return
    from lora_rules.checks.scripts import refused_script as script

    yield from script.refused_keywords(blocks, framework, pins)
    if certainly(load_best_model_at_end, True):
        if program is not None and script.is_best_model_set_later(program):
            yield from script.best_model_when_made(program)
        else:
            yield from script.best_model_strategies(save_strategy, eval_strategy)
            yield from script.best_model_steps(save_strategy, eval_strategy, save_steps, eval_steps)
    if framework.trl_arguments:
        yield from script.packing_without_length(packing, max_length)
    if program is not None:
        yield from script.evaluation_without_data(eval_strategy, blocks, program)
        yield from script.collator_masks(program)
        if any(script.is_odd(program.calls, each) for each in program.calls.trainers()):
            from lora_rules.checks.scripts.refused_inputs import refused_inputs

            yield from refused_inputs(program, pins)
    yield from script.one_label(blocks, num_labels, pins)
    yield from script.adapter_on_head(blocks, target_modules, pins)


def _asks_for_zero3(deepspeed: Value, repository: Repository) -> bool:
    """Whether its configuration, or the name of it, says so."""
    from lora_rules.facts.memory.memory_forecast.several_gpus import zero  # few files use DeepSpeed

    try:
        return zero(deepspeed, repository).stage == 3
    except Unknown:
        return False


def _refused_in_file(
    blocks: Blocks, framework: Behaviour, pins: Pins, asks_for_zero3: Callable[[], bool]
) -> Iterator[Problem]:
    """What a framework refuses of the keys of its file."""
    if blocks:
        from lora_rules.frameworks.registry import refusals_of

        for refusals in refusals_of(framework.name):
            yield from judge(
                written(blocks[0], asks_for_zero3),
                refusals,
                pins[framework.package],
                pins.__getitem__,
            )
        if framework.hands_on_sections:
            yield from _refused_in_section(blocks[0])


def _refused_in_section(block: Block) -> Iterator[Problem]:
    """Of a program that is not known: what no program can hand on to transformers as it stands.

    It may add what the file does not say, so that it is a warning.
    """
    for key in block.keys:
        section, _, name = key.name.rpartition(".")
        if name == BEST_MODEL and not any(_leaf(each) in EVALUATING for each in block.keys):
            from lora_rules.libraries.transformers.refusals import OF_SECTIONS

            within = [each for each in block.keys if each.name.rpartition(".")[0] == section]
            keys = Written({_leaf(each): each for each in within}, block.complete)
            for problem in judge(keys, OF_SECTIONS):
                yield problem._replace(severity=Severity.WARNING)


def _leaf(key: Key) -> str:
    return key.name.rpartition(".")[2]
