"""What LLaMA-Factory refuses when it reads its arguments (hparams/*.py)."""

from __future__ import annotations

from collections.abc import Callable

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import (
    Refusal,
    Refusals,
    Written,
    differs,
    either,
    equals,
    given,
    missing,
    off,
    present,
    where,
)
from lora_rules.frameworks.llamafactory.refusals_more import PPO, RENAMED, ZERO3
from lora_rules.libraries.transformers.refusals import IN_FILES

GALORE = ("use_galore", "use_apollo", "use_badam")
PIXELS = {"image": (32 * 32, 768 * 768), "video": (16 * 16, 256 * 256)}
"""The defaults of the smallest and the largest number of pixels."""
ONLY_SFT = ("neat_packing", "train_on_prompt", "mask_history", "predict_with_generate")


def _names(keys: Written, name: str) -> int | None:
    """How many a list has, which may be written as a text with commas."""
    value = keys.value(name)
    if isinstance(value, str):
        return len(value.split(","))
    return len(value) if isinstance(value, list) else None


def _has_several_adapters(keys: Written) -> bool:
    return (_names(keys, "adapter_name_or_path") or 0) > 1


def _has_other_lengths(keys: Written) -> bool:
    shares = _names(keys, "interleave_probs")
    counts = [_names(keys, name) for name in ("dataset", "eval_dataset")]
    return shares is not None and any(count not in (None, shares) for count in counts)


def _is_fraction(keys: Written) -> bool:
    size = keys.number("val_size")
    return size is not None and 1e-6 < size < 1


def _is_inverted(kind: str) -> Callable[[Written], bool]:
    """Whether the largest number of pixels is below the smallest, by their defaults if need be."""

    def pixels(keys: Written, end: int) -> float | None:
        name = f"{kind}_{('min', 'max')[end]}_pixels"
        return PIXELS[kind][end] if name not in keys.keys else keys.number(name)

    def holds(keys: Written) -> bool:
        least, most = pixels(keys, 0), pixels(keys, 1)
        return least is not None and most is not None and most < least

    return holds


def _evaluates(keys: Written) -> bool:
    strategy = keys.value("eval_strategy")
    return isinstance(strategy, str) and strategy != "no"


def _reports_elsewhere(keys: Written) -> bool:
    value = keys.value("report_to")
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return any(name not in ("wandb", "tensorboard", "trackio", "none") for name in names)


NOTHING_HELD_OUT = off("eval_dataset", "val_size")
NO_HELD_OUT = "Add eval_dataset or val_size."
LORA = either(missing("finetuning_type"), equals("finetuning_type", "lora"))
SFT = either(missing("stage"), equals("stage", "sft"))
NOT_SFT = differs("stage", "sft")
TRAINS_WITH_REFERENCE = either(
    equals("stage", "ppo", "kto"),
    where(
        lambda keys: (
            keys.value("stage") == "dpo"
            and (
                keys.is_missing("pref_loss")
                or keys.value("pref_loss") not in (None, "orpo", "simpo")
            )
        ),
        "stage",
        "pref_loss",
    ),
)

MODEL = (
    Refusal(
        "quantization-bit-with-pissa-init",
        "pissa_init",
        (given("quantization_bit", "pissa_init"),),
        "quantization_bit and pissa_init do not go together",
        "Run scripts/pissa_init.py first, or train without quantization_bit.",
        why="PiSSA changes the weights of the base model, which are quantized.",
    ),
    Refusal(
        "quantization-bit-with-resize-vocab",
        "resize_vocab",
        (given("quantization_bit", "resize_vocab"),),
        "quantization_bit and resize_vocab do not go together",
        "Remove one of them.",
    ),
    Refusal(
        "quantization-bit-with-create-new-adapter",
        "create_new_adapter",
        (given("quantization_bit", "adapter_name_or_path", "create_new_adapter"),),
        "create_new_adapter over adapter_name_or_path and quantization_bit",
        "Merge the first adapter, and train on that.",
        why="The first adapter would be merged into quantized weights.",
    ),
    Refusal(
        "quantization-bit-with-several-adapters",
        "adapter_name_or_path",
        (given("quantization_bit"), where(_has_several_adapters, "adapter_name_or_path")),
        "several adapters in adapter_name_or_path with quantization_bit",
        "Merge them first.",
        why="All but the last would be merged into quantized weights.",
    ),
    *(
        Refusal(
            f"{kebab(name)}-with-lora",
            name,
            (LORA, given(name)),
            f"{name} with finetuning_type: lora",
            f"Remove {name}, or set finetuning_type: full.",
        )
        for name in GALORE
    ),
    Refusal(
        "pissa-init-with-reference-stage",
        "pissa_init",
        (given("pissa_init"), TRAINS_WITH_REFERENCE),
        "pissa_init in a stage that needs the model without its adapter (ppo, kto, dpo)",
        "Remove pissa_init.",
        why="PiSSA changes the base model, which is the reference when the adapter is off.",
    ),
    Refusal(
        "fp8-with-quantization-bit",
        "fp8",
        (given("fp8", "quantization_bit"),),
        "fp8 with quantization_bit",
        "Remove one of them.",
    ),
    Refusal(
        "quantization-device-map-with-training",
        "quantization_device_map",
        (given("do_train"), equals("quantization_device_map", "auto")),
        "quantization_device_map: auto with do_train",
        "Remove quantization_device_map.",
    ),
    *(
        Refusal(
            f"{kebab(name)}-with-deepspeed",
            name,
            (given("deepspeed", name),),
            f"{name} with deepspeed",
            "Remove one of them.",
        )
        for name in ("use_galore", "use_apollo")
    ),
)

DATA = (
    Refusal(
        "training-needs-dataset",
        "do_train",
        (given("do_train"), missing("dataset")),
        "do_train without dataset",
        "Add dataset.",
    ),
    *(
        Refusal(
            f"{name.replace('_', '-')}-needs-evaluation-data",
            name,
            (given(name), NOTHING_HELD_OUT),
            f"{name} without eval_dataset or val_size",
            NO_HELD_OUT,
        )
        for name in ("do_predict", "predict_with_generate")
    ),
    *(
        Refusal(
            f"{kind}-max-pixels-below-min-pixels",
            f"{kind}_max_pixels",
            (where(_is_inverted(kind), f"{kind}_max_pixels", f"{kind}_min_pixels"),),
            f"{kind}_max_pixels below {kind}_min_pixels",
            f"Raise {kind}_max_pixels, or lower {kind}_min_pixels.",
        )
        for kind in PIXELS
    ),
    Refusal(
        "export-quantization-bit-needs-dataset",
        "export_quantization_bit",
        (present("export_quantization_bit"), missing("export_quantization_dataset")),
        "export_quantization_bit without export_quantization_dataset",
        "Add export_quantization_dataset.",
    ),
    Refusal(
        "eval-dataset-with-val-size",
        "val_size",
        (given("eval_dataset", "val_size"),),
        "eval_dataset and val_size exclude each other",
        "Write one of them.",
    ),
    Refusal(
        "streaming-with-max-samples",
        "max_samples",
        (given("streaming"), present("max_samples")),
        "streaming and max_samples exclude each other",
        "Bound the run with max_steps.",
    ),
    Refusal(
        "streaming-needs-max-steps",
        "streaming",
        (given("streaming"), either(missing("max_steps"), equals("max_steps", -1))),
        "streaming without max_steps",
        "Set max_steps: a stream has no length.",
    ),
    Refusal(
        "streaming-with-fractional-val-size",
        "val_size",
        (given("streaming"), where(_is_fraction, "val_size")),
        "streaming with a val_size below 1",
        "Give val_size as a number of examples.",
        why="A stream has no length of which a share could be taken.",
    ),
    Refusal(
        "interleave-probs-needs-interleaving",
        "interleave_probs",
        (
            present("interleave_probs"),
            either(missing("mix_strategy"), equals("mix_strategy", "concat")),
        ),
        "interleave_probs without an interleaving mix_strategy",
        "Set mix_strategy: interleave_under or interleave_over.",
    ),
    Refusal(
        "interleave-probs-not-one-a-dataset",
        "interleave_probs",
        (where(_has_other_lengths, "interleave_probs", "dataset", "eval_dataset"),),
        "as many interleave_probs as dataset or eval_dataset has names: they are not",
        "Give one a dataset.",
    ),
    Refusal(
        "mask-history-with-train-on-prompt",
        "train_on_prompt",
        (given("mask_history", "train_on_prompt"),),
        "mask_history and train_on_prompt exclude each other",
        "Write one of them.",
    ),
    Refusal(
        "eval-strategy-needs-evaluation-data",
        "eval_strategy",
        (where(_evaluates, "eval_strategy"), NOTHING_HELD_OUT),
        "eval_strategy without eval_dataset or val_size",
        NO_HELD_OUT,
    ),
    Refusal(
        "do-eval-needs-evaluation-data",
        "do_eval",
        (given("do_eval"), where(lambda keys: not _evaluates(keys)), NOTHING_HELD_OUT),
        "do_eval without eval_dataset or val_size",
        NO_HELD_OUT,
    ),
)

STAGE = (
    Refusal(
        "infer-backend-in-training",
        "infer_backend",
        (given("do_train"), equals("infer_backend", "vllm", "sglang")),
        "infer_backend: vllm or sglang with do_train",
        "Remove infer_backend.",
    ),
    *(
        Refusal(
            f"{kebab(name)}-outside-sft",
            name,
            (given(name), NOT_SFT),
            f"{name} outside stage: sft",
            f"Remove {name}.",
        )
        for name in ONLY_SFT
    ),
    Refusal(
        "do-predict-needs-predict-with-generate",
        "do_predict",
        (given("do_predict"), SFT, off("predict_with_generate")),
        "do_predict without predict_with_generate",
        "Add predict_with_generate: true.",
    ),
    Refusal(
        "predict-with-generate-with-compute-accuracy",
        "compute_accuracy",
        (given("predict_with_generate", "compute_accuracy"),),
        "predict_with_generate and compute_accuracy exclude each other",
        "Write one of them.",
    ),
    Refusal(
        "load-best-model-in-rm-or-ppo",
        "load_best_model_at_end",
        (equals("stage", "rm", "ppo"), given("load_best_model_at_end")),
        "load_best_model_at_end in stage: rm or ppo",
        "Remove load_best_model_at_end.",
    ),
    Refusal(
        "ppo-needs-reward-model",
        "stage",
        (equals("stage", "ppo"), off("reward_model")),
        "stage: ppo without reward_model",
        "Add reward_model.",
    ),
    Refusal(
        "ppo-reports-elsewhere",
        "report_to",
        (equals("stage", "ppo"), where(_reports_elsewhere, "report_to")),
        "stage: ppo with a report_to that is none of wandb, tensorboard, trackio and none",
        "Take one of them.",
    ),
    Refusal(
        "dpo-label-smoothing-needs-sigmoid",
        "dpo_label_smoothing",
        (equals("stage", "dpo"), given("dpo_label_smoothing"), differs("pref_loss", "sigmoid")),
        "dpo_label_smoothing with a pref_loss that is not sigmoid",
        "Remove dpo_label_smoothing.",
    ),
)

REFUSALS = (
    Refusals(
        "llamafactory",
        "LLaMA-Factory",
        (*MODEL, *DATA, *STAGE, *PPO, *ZERO3, *RENAMED),
        "https://github.com/hiyouga/LLaMA-Factory, src/llamafactory/hparams",
        "LLaMA-Factory raises it when it reads its arguments, before anything is loaded.",
    ),
    IN_FILES,
)
