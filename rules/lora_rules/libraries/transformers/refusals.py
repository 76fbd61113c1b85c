"""What transformers' TrainingArguments and Trainer refuse."""

from __future__ import annotations

from collections.abc import Callable

from lora_rules.engine.keys import KeyPage, kebab
from lora_rules.engine.refusals import (
    Refusal,
    Refusals,
    Written,
    below,
    differs,
    either,
    equals,
    given,
    missing,
    off,
    present,
    where,
)

STRATEGIES = {
    "logging_steps": "logging_strategy",
    "eval_steps": "eval_strategy",
    "save_steps": "save_strategy",
}
NO_EVALUATION = either(missing("eval_strategy"), equals("eval_strategy", "no", False))
SHARDED = either(given("fsdp"), given("deepspeed"))


def _is_not_whole(name: str) -> Callable[[Written], bool]:
    def holds(keys: Written) -> bool:
        number = keys.number(name)
        return number is not None and number > 1 and number != int(number)

    return holds


def _mismatch(keys: Written) -> bool:
    """Whether the best model is to be loaded, and saving and evaluating do not match."""
    if not keys.is_set("load_best_model_at_end") or "evaluation_strategy" in keys.keys:
        return False  # the older name, which versions before 4.46 read
    defaults = {"save_strategy": "steps", "eval_strategy": "no"}
    chosen = {
        name: default if keys.is_missing(name) else keys.value(name) or "no"
        for name, default in defaults.items()
        if keys.is_missing(name) or keys.known(name)
    }
    save, evaluate = chosen.get("save_strategy"), chosen.get("eval_strategy")
    return None not in (save, evaluate) and save != "best" and save != evaluate


def _saves_between(keys: Written) -> bool:
    save, evaluate = keys.number("save_steps"), keys.number("eval_steps")
    steps = keys.value("eval_strategy") == "steps" and keys.value("save_strategy") in (
        None,
        "steps",
    )
    whole = bool(save and evaluate and save >= 1 and evaluate >= 1 and save % evaluate)
    return steps and whole and keys.is_set("load_best_model_at_end")


BEST = (
    Refusal(
        "best-model-needs-equal-strategies",
        "load_best_model_at_end",
        (where(_mismatch, "load_best_model_at_end", "save_strategy", "eval_strategy"),),
        "load_best_model_at_end with a save_strategy and an eval_strategy that differ",
        "Give both the same value.",
        why="A model can be called the best only where it was saved and evaluated "
        "at the same step.",
    ),
    Refusal(
        "best-model-needs-save-steps-multiple",
        "load_best_model_at_end",
        (where(_saves_between, "load_best_model_at_end", "save_steps", "eval_steps"),),
        "load_best_model_at_end with save_steps that are no multiple of eval_steps",
        "Make save_steps a multiple of eval_steps.",
        why="A model can be called the best only where it was saved and evaluated "
        "at the same step.",
    ),
)
"""For files. In scripts the two strategies are settings, with the defaults of their version."""

TRANSFORMERS = (
    Refusal(
        "fp16-full-eval-with-bf16-full-eval",
        "fp16_full_eval",
        (given("fp16_full_eval", "bf16_full_eval"),),
        "fp16_full_eval and bf16_full_eval exclude each other",
        "Keep one of them.",
    ),
    Refusal(
        "lr-scheduler-needs-evaluation",
        "lr_scheduler_type",
        (equals("lr_scheduler_type", "reduce_lr_on_plateau", "greedy"), NO_EVALUATION),
        "an lr_scheduler_type that follows the evaluation, without eval_strategy",
        "Set eval_strategy, or choose another schedule.",
        why="The schedule lowers the rate when the evaluation no longer improves.",
    ),
    Refusal(
        "warmup-steps-negative",
        "warmup_steps",
        (below("warmup_steps", 0),),
        "warmup_steps below 0",
        "Set it to 0 or more.",
    ),
    Refusal(
        "logging-steps-zero",
        "logging_steps",
        (
            where(lambda keys: keys.number("logging_steps") == 0, "logging_steps"),
            either(missing("logging_strategy"), equals("logging_strategy", "steps")),
        ),
        "logging_steps: 0 with logging_strategy: steps",
        'Set logging_strategy: "no" to log nothing.',
    ),
    *(
        Refusal(
            f"{kebab(steps)}-not-whole",
            steps,
            (where(_is_not_whole(steps), steps), equals(strategy, "steps")),
            f"{steps} above 1 that is no whole number",
            "Write a whole number, or a share of the run below 1.",
        )
        for steps, strategy in STRATEGIES.items()
    ),
    Refusal(
        "fsdp-with-deepspeed",
        "deepspeed",
        (given("fsdp", "deepspeed"),),
        "fsdp and deepspeed exclude each other",
        "Keep one of them.",
    ),
    Refusal(
        "fsdp-activation-checkpointing-with-gradient-checkpointing",
        "gradient_checkpointing",
        (
            given("fsdp", "fsdp_config.activation_checkpointing"),
            either(given("gradient_checkpointing"), given("activation_checkpointing")),
        ),
        "fsdp_config.activation_checkpointing and gradient_checkpointing exclude each other",
        "Keep one of them; with dropout and version 2 of FSDP gradient_checkpointing, because the"
        " other does not keep the random state.",
        why="Both recompute activations, and gather the weights twice in the backward pass.",
    ),
    Refusal(
        "sharded-save-only-model-with-best-model",
        "save_only_model",
        (given("save_only_model", "load_best_model_at_end"), SHARDED),
        "save_only_model with load_best_model_at_end under FSDP or DeepSpeed",
        "Remove one of them.",
    ),
    Refusal(
        "fsdp-offload-alone",
        "fsdp",
        (equals("fsdp", "offload"),),
        "fsdp: offload without a way to shard",
        "Write full_shard offload.",
    ),
    Refusal(
        "save-only-model-with-sharded-state-dict",
        "save_only_model",
        (
            given("save_only_model", "fsdp"),
            equals("fsdp_config.state_dict_type", "SHARDED_STATE_DICT"),
        ),
        "save_only_model with fsdp_config.state_dict_type: SHARDED_STATE_DICT",
        "Save FULL_STATE_DICT.",
    ),
)

DEFAULTS = (
    Refusal(
        "prefetch-factor-needs-dataloader-workers",
        "dataloader_prefetch_factor",
        (present("dataloader_prefetch_factor"), off("dataloader_num_workers")),
        "dataloader_prefetch_factor without dataloader_num_workers",
        "Set dataloader_num_workers to 1 or more.",
    ),
    Refusal(
        "save-strategy-best-needs-metric",
        "save_strategy",
        (
            equals("save_strategy", "best"),
            missing("metric_for_best_model"),
            off("load_best_model_at_end"),
            either(
                missing("lr_scheduler_type"),
                differs("lr_scheduler_type", "reduce_lr_on_plateau", "greedy"),
            ),
        ),
        "save_strategy: best without metric_for_best_model",
        "Name metric_for_best_model.",
        why="What is best has to be measured by something.",
    ),
)
"""Where the framework leaves transformers' own defaults: not in ms-swift."""


def _is_number(keys: Written) -> bool:
    value = keys.value("resume_from_checkpoint")
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and value.isascii() and value.isdigit()
    )


RESUMES = (
    Refusal(
        "resume-from-checkpoint-not-a-folder",
        "resume_from_checkpoint",
        (where(_is_number, "resume_from_checkpoint"),),
        "resume_from_checkpoint is a number, and not the folder of a checkpoint",
        "Write the folder: checkpoint-NUMBER in output_dir.",
    ),
)
"""Of a framework that hands it to ``Trainer.train``, which looks for the files of a checkpoint."""

SOURCE = (
    "https://github.com/huggingface/transformers, src/transformers/training_args.py, trainer.py"
)
MOMENT = (
    "transformers raises it when the arguments are made, or when the trainer is, after the model "
    "has been loaded."
)

IN_CALLS = Refusals("transformers", "transformers", (*TRANSFORMERS, *DEFAULTS), SOURCE, MOMENT)
"""Of a call that makes the arguments."""
IN_FILES = IN_CALLS._replace(rows=(*IN_CALLS.rows, *BEST, *RESUMES))
"""Of a file whose framework hands its keys to transformers."""
OF_SECTIONS = IN_CALLS._replace(rows=BEST[:1])
"""Of a section that a program hands to transformers, which has the arguments' own names."""
OF_TRAINER = (
    KeyPage(
        "transformers/eval-strategy-needs-eval-dataset",
        "eval_strategy, and the trainer gets no eval_dataset: transformers raises ValueError.",
        "Give the trainer an eval_dataset, or remove eval_strategy.",
        SOURCE,
        MOMENT,
    ),
    KeyPage(
        "transformers/trainer-without-model",
        "A trainer with model=None, and no model_init: transformers and TRL raise.",
        "Give it the model.",
        SOURCE,
        "It is raised when the trainer is made.",
    ),
    KeyPage(
        "transformers/optimizers-is-no-pair",
        "A trainer with optimizers=None: it unpacks a pair, and raises TypeError.",
        "Leave it out, or write (None, None).",
        SOURCE,
        "It is raised when the trainer is made.",
    ),
    KeyPage(
        "transformers/collator-masks-by-default",
        "DataCollatorForLanguageModeling without mlm=False for a causal language model: its "
        "tokenizer has no mask token, and the collator raises ValueError.",
        "Write mlm=False.",
        "https://github.com/huggingface/transformers, src/transformers/data/data_collator.py",
        "The collator raises it when it is made.",
        "mlm is True by default: tokens are masked to be guessed, as for BERT.",
    ),
)
"""What takes more than one call to see."""
