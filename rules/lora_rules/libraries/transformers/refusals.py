"""What transformers' TrainingArguments and Trainer refuse, and TRL's SFTTrainer besides."""

from __future__ import annotations

from collections.abc import Callable

from lora_rules.engine.refusals import (
    Refusal,
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
    if not keys.is_set("load_best_model_at_end"):
        return False
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
        "load_best_model_at_end",
        (where(_mismatch, "load_best_model_at_end", "save_strategy", "eval_strategy"),),
        "load_best_model_at_end with a save_strategy and an eval_strategy that differ",
        "Give both the same value.",
    ),
    Refusal(
        "load_best_model_at_end",
        (where(_saves_between, "load_best_model_at_end", "save_steps", "eval_steps"),),
        "load_best_model_at_end with save_steps that are no multiple of eval_steps",
        "Make save_steps a multiple of eval_steps.",
    ),
)
"""For files. In scripts the two strategies are settings, with the defaults of their version."""

TRANSFORMERS = (
    Refusal(
        "fp16_full_eval",
        (given("fp16_full_eval", "bf16_full_eval"),),
        "fp16_full_eval and bf16_full_eval exclude each other",
        "Keep one of them.",
    ),
    Refusal(
        "lr_scheduler_type",
        (equals("lr_scheduler_type", "reduce_lr_on_plateau", "greedy"), NO_EVALUATION),
        "an lr_scheduler_type that follows the evaluation, without eval_strategy",
        "Set eval_strategy, or choose another schedule.",
    ),
    Refusal(
        "warmup_steps",
        (below("warmup_steps", 0),),
        "warmup_steps below 0",
        "Set it to 0 or more.",
    ),
    Refusal(
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
            steps,
            (where(_is_not_whole(steps), steps), equals(strategy, "steps")),
            f"{steps} above 1 that is no whole number",
            "Write a whole number, or a share of the run below 1.",
        )
        for steps, strategy in STRATEGIES.items()
    ),
    Refusal(
        "deepspeed",
        (given("fsdp", "deepspeed"),),
        "fsdp and deepspeed exclude each other",
        "Keep one of them.",
    ),
    Refusal(
        "gradient_checkpointing",
        (
            given("fsdp", "fsdp_config.activation_checkpointing"),
            either(given("gradient_checkpointing"), given("activation_checkpointing")),
        ),
        "fsdp_config.activation_checkpointing and gradient_checkpointing exclude each other",
        "Keep one of them; with dropout and version 2 of FSDP gradient_checkpointing, because the"
        " other does not keep the random state.",
    ),
    Refusal(
        "save_only_model",
        (given("save_only_model", "load_best_model_at_end"), SHARDED),
        "save_only_model with load_best_model_at_end under FSDP or DeepSpeed",
        "Remove one of them.",
    ),
    Refusal(
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
        "dataloader_prefetch_factor",
        (present("dataloader_prefetch_factor"), off("dataloader_num_workers")),
        "dataloader_prefetch_factor without dataloader_num_workers",
        "Set dataloader_num_workers to 1 or more.",
    ),
    Refusal(
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
    ),
)
"""Where the framework leaves transformers' own defaults: not in ms-swift."""


def _keeps_a_length(keys: Written) -> bool:
    """Whether max_length is certainly a number: the default is 1024."""
    return keys.is_set("max_length") or (keys.complete and "max_length" not in keys.keys)


TRL = (
    Refusal(
        "padding_free",
        (
            given("padding_free"),
            off("packing"),
            where(_keeps_a_length, "max_length"),
        ),
        "padding_free without packing, and a max_length that it does not apply: TRL 1.16 raises "
        "ValueError",
        "Set packing, or max_length to null (None).",
        raises="",
    ),
    Refusal(
        "per_device_train_batch_size",
        (
            given("padding_free"),
            off("packing"),
            where(
                lambda keys: keys.number("per_device_train_batch_size") == 1,
                "per_device_train_batch_size",
            ),
        ),
        "padding_free with per_device_train_batch_size 1, which has no padding to save: TRL warns",
        "Raise the batch size, or remove padding_free.",
        raises="",
    ),
)


def _fractions(keys: Written) -> list[bool]:
    """Of each dataset of a mixture, whether it is given a fraction."""
    rows = keys.value("datasets")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return []
    return [row.get("fraction") is not None for row in rows]


def _has_some_fractions(keys: Written) -> bool:
    return len(set(_fractions(keys))) == 2


TRL_FILE = (
    Refusal(
        "max_length",
        (given("packing"), equals("max_length", None)),
        "packing with max_length: null",
        "Give max_length a number.",
    ),
    Refusal(
        "datasets",
        (where(_has_some_fractions, "datasets"),),
        "datasets of which some have a fraction and some none",
        "Give each a fraction, or none.",
    ),
    Refusal(
        "streaming",
        (given("streaming"), where(lambda keys: any(_fractions(keys)), "datasets")),
        "streaming with datasets that have a fraction",
        "Remove the fractions, or streaming.",
    ),
    Refusal(
        "env",
        (where(lambda keys: isinstance(keys.value("env"), str | int | list), "env"),),
        "env that is no mapping",
        "Write env as names with values.",
    ),
    Refusal(
        "dataset_name",
        (given("datasets", "dataset_name"),),
        "datasets and dataset_name: TRL warns, and ignores dataset_name",
        "Write one of them.",
        raises="",
    ),
)


def _quantizes_twice(keys: Written) -> bool:
    """Whether 8 bit is asked for, and 4 bit, which is the default, is not turned off."""
    four = keys.is_missing("load_in_4bit") or keys.value("load_in_4bit") is True
    return keys.value("load_in_8bit") is True and four


UNSLOTH_LOADER = (
    Refusal(
        "load_in_8bit",
        (
            where(_quantizes_twice, "load_in_8bit", "load_in_4bit"),
            off("full_finetuning", "quantization_config"),
        ),
        "load_in_8bit without load_in_4bit=False, which is True by default",
        "Add load_in_4bit=False.",
        raises="RuntimeError",
    ),
    Refusal(
        "qat_scheme",
        (present("qat_scheme"), off("full_finetuning")),
        "qat_scheme in from_pretrained without full_finetuning",
        "Give qat_scheme to get_peft_model.",
    ),
)
