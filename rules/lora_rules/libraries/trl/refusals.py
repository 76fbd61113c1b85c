"""What TRL's configurations and trainers refuse."""

from __future__ import annotations

from math import gcd

from lora_rules.engine.keys import KeyPage
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


def _keeps_a_length(keys: Written) -> bool:
    """Whether max_length is certainly a number: the default is 1024."""
    return keys.is_set("max_length") or (keys.complete and "max_length" not in keys.keys)


ROWS = (
    Refusal(
        "padding-free-with-max-length",
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
        "padding-free-with-batch-of-one",
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
        why="A single example has no padding.",
    ),
)

CONVERSATIONS = (
    Refusal(
        "assistant-only-loss-needs-conversations",
        "assistant_only_loss",
        (given("assistant_only_loss", "dataset_text_field"),),
        "assistant_only_loss with dataset_text_field: a column of texts has no turns of an "
        "assistant, and TRL raises ValueError for a dataset that is not conversational",
        "Give the trainer a column messages and leave dataset_text_field out, or set "
        "assistant_only_loss to False.",
        raises="",
        first="0.19",
    ),
)
"""Of SFTConfig: a warning, because a column ``messages`` beside the text would be taken."""


_PER_DEVICE = "per_device_train_batch_size"


def _generations(keys: Written) -> int | None:
    return _count(keys, "num_generations", 8)


def _count(keys: Written, name: str, default: int) -> int | None:
    """A whole number that is written, or the default where it is certainly not."""
    number = float(default) if keys.is_missing(name) else keys.number(name)
    return int(number) if number is not None and number >= 1 and number == int(number) else None


def _unfit_batch(keys: Written) -> bool:
    """Whether a generation batch that is written holds no whole groups."""
    batch, group = keys.number("generation_batch_size"), _generations(keys)
    return batch is not None and group is not None and bool(batch % group)


def _partial_batches(keys: Written) -> bool:
    """Whether a generation batch is no multiple of one process's batch, however many run."""
    batch, each = keys.number("generation_batch_size"), _count(keys, _PER_DEVICE, 8)
    written = keys.is_missing("steps_per_generation")
    return written and batch is not None and each is not None and bool(batch % each)


def _unfit_on_usual_machines(keys: Written) -> bool:
    """Whether the batches of 1, 2, 4, 8, ... processes hold no whole groups.

    How many processes run is not known: a multiple of some number makes it fit.
    """
    if not keys.is_missing("generation_batch_size"):
        return False
    batch = _count(keys, _PER_DEVICE, 8)
    steps = (
        _count(keys, "gradient_accumulation_steps", 1)
        if keys.is_missing("steps_per_generation")
        else _count(keys, "steps_per_generation", 1)
    )
    group = _generations(keys)
    if batch is None or steps is None or group is None:
        return False
    processes = group // gcd(batch * steps, group)
    return bool(processes & (processes - 1))


def _crossed_bounds(keys: Written) -> bool:
    low, high = (keys.number(name) for name in _BOUNDS)
    if high is None and keys.complete and _BOUNDS[1] not in keys.keys:
        high = 3.0  # its default
    return low is not None and high is not None and low >= high


def _unfit_evaluation(keys: Written) -> bool:
    """As :func:`_unfit_on_usual_machines`, of the batch that is evaluated."""
    batch, own = _count(keys, "per_device_eval_batch_size", 8), keys.number("num_generations_eval")
    group = _generations(keys) if keys.is_missing("num_generations_eval") else own
    if batch is None or not group or group != int(group):
        return False
    processes = int(group) // gcd(batch, int(group))
    return bool(processes & (processes - 1))


_BOUNDS = ("vllm_importance_sampling_clip_min", "vllm_importance_sampling_clip_max")
_EVALUATION = ("per_device_eval_batch_size", "num_generations_eval", "num_generations")
_BATCH = ("num_generations", "per_device_train_batch_size", "gradient_accumulation_steps")
GROUPS = (
    Refusal(
        "generation-batch-size-with-steps-per-generation",
        "steps_per_generation",
        (present("generation_batch_size"), present("steps_per_generation")),
        "generation_batch_size and steps_per_generation exclude each other",
        "Keep one of them: each follows from the other.",
        first="0.18",
    ),
    Refusal(
        "generation-batch-of-partial-groups",
        "num_generations",
        (where(_unfit_batch, "num_generations", "generation_batch_size"),),
        "generation_batch_size that is no multiple of num_generations",
        "Make it a multiple of num_generations, which is 8 by default.",
        why="Advantages are taken within the group of one prompt's completions.",
        first="0.20",
    ),
    Refusal(
        "generation-batch-of-partial-batches",
        "generation_batch_size",
        (where(_partial_batches, "generation_batch_size", _PER_DEVICE),),
        "generation_batch_size that is no multiple of per_device_train_batch_size",
        "Make it a multiple of per_device_train_batch_size, which is 8 by default, times the "
        "processes.",
        first="0.20",
    ),
    Refusal(
        "batch-of-partial-groups",
        "num_generations",
        (where(_unfit_on_usual_machines, *_BATCH, "steps_per_generation"),),
        "per_device_train_batch_size x gradient_accumulation_steps that is no multiple of "
        "num_generations on 1, 2, 4 or 8 processes",
        "Make the product a multiple of num_generations, which is 8 by default.",
        why="Advantages are taken within the group of one prompt's completions.",
        first="0.20",
    ),
    Refusal(
        "one-generation",
        "num_generations",
        (below("num_generations", 2),),
        "num_generations below 2",
        "Set it to 2 or more.",
        why="Advantages compare the completions of one prompt.",
        first="0.18",
    ),
    Refusal(
        "no-generations",
        "num_generations",
        (equals("num_generations", None),),
        "num_generations that is None",
        "Leave it out, or set it to 2 or more.",
        "TypeError",
        why="The batch is divided by it.",
        first="0.18",
    ),
    Refusal(
        "importance-bounds-crossed",
        "vllm_importance_sampling_clip_min",
        (where(_crossed_bounds, *_BOUNDS),),
        "vllm_importance_sampling_clip_min that is not below vllm_importance_sampling_clip_max",
        "Make the first the smaller one.",
        first="1.16",
    ),
    Refusal(
        "evaluation-batch-of-partial-groups",
        "per_device_eval_batch_size",
        (differs("eval_strategy", "no"), where(_unfit_evaluation, *_EVALUATION)),
        "per_device_eval_batch_size that is no multiple of the generations of a prompt on 1, 2, 4 "
        "or 8 processes",
        "Make it a multiple of num_generations_eval, or of num_generations, which is 8 by default.",
        first="1.16",
    ),
    Refusal(
        "auto-find-batch-size-with-groups",
        "auto_find_batch_size",
        (given("auto_find_batch_size"),),
        "auto_find_batch_size, which would halve batches that have to hold whole groups of "
        "completions",
        "Leave it out, and lower per_device_train_batch_size.",
        first="1.9",
        why="Before 1.9 the run fails with a shape error when memory is short.",
    ),
    Refusal(
        "log-completions-hub-repo-without-log-completions",
        "log_completions_hub_repo",
        (present("log_completions_hub_repo"), off("log_completions")),
        "log_completions_hub_repo without log_completions",
        "Set log_completions to True.",
        first="0.28",
    ),
)
"""Of GRPOConfig and RLOOConfig."""


def _other_count(keys: Written) -> bool:
    """Whether there is a weight for some losses only."""
    losses, weights = keys.value("loss_type"), keys.value("loss_weights")
    if losses is None and not keys.is_missing("loss_type"):
        return False
    count = len(losses) if isinstance(losses, list | tuple) else 1
    return isinstance(weights, list | tuple) and len(weights) != count


PREFERENCES = (
    Refusal(
        "loss-weights-of-other-length",
        "loss_weights",
        (where(_other_count, "loss_weights", "loss_type"),),
        "loss_weights and loss_type of different lengths",
        "Give each loss one weight.",
        first="0.20",
    ),
)
"""Of DPOConfig."""

_WITH_KL = either(missing("loss_type"), equals("loss_type", "kto"))
UNPAIRED = (
    Refusal(
        "kl-needs-sequential-sampling",
        "train_sampling_strategy",
        (differs("train_sampling_strategy", "sequential"), _WITH_KL),
        "train_sampling_strategy other than sequential with the loss kto",
        'Leave it out, or set it to "sequential".',
        why="The completions that estimate the divergence are paired with their neighbours.",
        first="1.16",
    ),
    Refusal(
        "kl-needs-batches",
        _PER_DEVICE,
        (below(_PER_DEVICE, 2), _WITH_KL),
        "per_device_train_batch_size below 2 with the loss kto",
        "Raise it to 2 or more: gradient accumulation does not count.",
        why="The divergence is estimated from the other examples of a batch.",
        first="0.12",
    ),
)
"""Of KTOConfig."""

SOURCE = "https://github.com/huggingface/trl, trl/trainer/sft_config.py, sft_trainer.py (1.16.0)"
MOMENT = "TRL raises it when the trainer is made, after the model has been loaded."

REFUSALS = Refusals("trl", "TRL", ROWS, SOURCE, MOMENT)
"""Of SFTConfig, in files too."""
_CONFIGS = "https://github.com/huggingface/trl, trl/trainer/*_config.py, sft_trainer.py (1.16.0)"
_TRAINERS = "https://github.com/huggingface/trl, trl/trainer/*_trainer.py (1.16.0)"
_MADE = "TRL raises it when the configuration is made, before anything is loaded."
OF_CALLS = {
    "trl.SFTConfig": Refusals("trl", "TRL", (*ROWS, *CONVERSATIONS), SOURCE, MOMENT),
    "trl.GRPOConfig": Refusals("trl", "TRL", GROUPS, _CONFIGS, _MADE),
    "trl.RLOOConfig": Refusals("trl", "TRL", GROUPS, _CONFIGS, _MADE),
    "trl.DPOConfig": Refusals("trl", "TRL", PREFERENCES, _CONFIGS, _MADE),
    "trl.KTOConfig": Refusals("trl", "TRL", UNPAIRED, _TRAINERS, MOMENT),
}
"""By the class that is called."""
PAGES = (
    REFUSALS,
    Refusals("trl", "TRL", (*CONVERSATIONS, *GROUPS, *PREFERENCES), _CONFIGS, _MADE),
    Refusals("trl", "TRL", UNPAIRED, _TRAINERS, MOMENT),
)
"""Each row once."""
OF_TRAINER = (
    KeyPage(
        "trl/reward-model-needs-one-label",
        "A model with num_labels other than 1 under RewardTrainer: TRL 1.16 raises ValueError.",
        "Load it with num_labels=1.",
        SOURCE,
        MOMENT,
        "A reward is one number a sequence.",
        "TRL 0.29 or an earlier version after 0.28",
    ),
    KeyPage(
        "trl/trainer-without-data",
        "A trainer of TRL 1.16 without train_dataset: ValueError.",
        "Give it train_dataset; to evaluate alone, use an older TRL or a loop of your own.",
        _TRAINERS,
        MOMENT,
        "",
        "TRL 1.16 or an earlier version after 0.24",
    ),
    KeyPage(
        "trl/data-is-no-dataset",
        "train_dataset is a list or a dictionary: TRL 1.16 raises TypeError.",
        "Make a dataset of it: datasets.Dataset.from_list(rows).",
        _TRAINERS,
        MOMENT,
        "",
        "TRL 1.16 or an earlier version after 0.24",
    ),
    KeyPage(
        "trl/rows-without-columns",
        "Rows without a column that the trainer reads: TRL raises KeyError.",
        "Name the columns chosen and rejected for DPOTrainer and RewardTrainer; prompt, completion "
        "and label for KTOTrainer; text, messages, or prompt and completion for SFTTrainer.",
        _TRAINERS,
        "TRL raises it when it tokenizes the rows, while the trainer is made.",
        "Only rows that stand in the script are known.",
    ),
    KeyPage(
        "trl/trainer-without-rewards",
        "GRPOTrainer or RLOOTrainer with reward_funcs that is None or empty: TRL 1.16 raises "
        "ValueError.",
        "Give it a function that scores completions.",
        _TRAINERS,
        MOMENT,
        "",
        "TRL 1.16 or an earlier version after 0.24",
    ),
    KeyPage(
        "trl/synced-reference-with-adapter",
        "sync_ref_model with peft_config: TRL 1.16 raises NotImplementedError.",
        "Leave sync_ref_model out.",
        _TRAINERS,
        MOMENT,
        "The reference is the base without the adapter, and is no model of its own.",
        "TRL 1.16 or an earlier version after 0.24",
    ),
    KeyPage(
        "trl/adapter-as-dictionary",
        "peft_config is a dictionary: TRL 1.16 raises TypeError.",
        "Give it a LoraConfig.",
        _TRAINERS,
        MOMENT,
        "",
        "TRL 1.16 or an earlier version after 0.24",
    ),
    KeyPage(
        "trl/reference-is-the-model",
        "ref_model and model are the same object: DPOTrainer and KTOTrainer raise ValueError.",
        "Leave ref_model out: with an adapter the base model without it is the reference.",
        SOURCE,
        MOMENT,
    ),
    KeyPage(
        "trl/adapter-on-lm-head",
        "An adapter on lm_head under SFTTrainer, DPOTrainer, KTOTrainer, GRPOTrainer or "
        "RLOOTrainer: TRL 1.16 raises ValueError.",
        'Leave "lm_head" out of target_modules, or train it whole with modules_to_save.',
        SOURCE,
        MOMENT,
        "The trainer's loss reads the head's weight itself, so that the adapter would never be "
        "trained.",
        "TRL 1.16 or an earlier version after 1.6",
    ),
)
"""What takes more than one call to see."""
