"""What axolotl refuses of data, steps, saving and evaluating; and what it has removed."""

from __future__ import annotations

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import (
    Refusal,
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


def _has_sharegpt(keys: Written) -> bool:
    rows = keys.value("datasets")
    kinds = (
        [row.get("type") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    )
    return any(isinstance(kind, str) and kind.startswith("sharegpt") for kind in kinds)


def _has_several_datasets(keys: Written) -> bool:
    rows = keys.value("datasets")
    return isinstance(rows, list) and len(rows) > 1


def _saves_between_evaluations(keys: Written) -> bool:
    save, evaluate = keys.number("save_steps"), keys.number("eval_steps")
    return bool(save and evaluate and save % evaluate)


def _evaluates_nothing(keys: Written) -> bool:
    nothing = keys.number("val_set_size") == 0 and keys.is_unset("test_datasets")
    asked = keys.is_set("eval_steps") or keys.is_set("eval_strategy")
    known = "eval_strategy" not in keys.keys or keys.known("eval_strategy")
    return nothing and asked and bool(known) and keys.value("eval_strategy") != "no"


def _is_not_positive(keys: Written) -> bool:
    number = keys.number("neftune_noise_alpha")
    return number is not None and number <= 0


ONE = "Write one of them."

SCHEDULE = (
    Refusal(
        "warmup-steps-with-warmup-ratio",
        "warmup_ratio",
        (given("warmup_steps", "warmup_ratio"),),
        "warmup_steps and warmup_ratio exclude each other",
        ONE,
        why="Both say how long the warm-up is.",
    ),
    Refusal(
        "pretrain-multipack-with-streaming-multipack",
        "pretrain_multipack_buffer_size",
        (given("pretrain_multipack_buffer_size", "streaming_multipack_buffer_size"),),
        "pretrain_multipack_buffer_size beside streaming_multipack_buffer_size",
        "Remove pretrain_multipack_buffer_size.",
        why="The first is the old name of the second.",
    ),
    Refusal(
        "pretraining-dataset-with-tokens-per-second",
        "include_tokens_per_second",
        (given("pretraining_dataset"), equals("include_tokens_per_second", True)),
        "include_tokens_per_second with pretraining_dataset",
        "Remove include_tokens_per_second.",
    ),
    Refusal(
        "saves-per-epoch-with-save-steps",
        "save_steps",
        (given("saves_per_epoch", "save_steps"),),
        "saves_per_epoch and save_steps exclude each other",
        ONE,
        why="Both say how often to save.",
    ),
    Refusal(
        "evals-per-epoch-with-eval-steps",
        "eval_steps",
        (given("evals_per_epoch", "eval_steps"),),
        "evals_per_epoch and eval_steps exclude each other",
        ONE,
        why="Both say how often to evaluate.",
    ),
    Refusal(
        "gradient-accumulation-steps-with-batch-size",
        "batch_size",
        (given("gradient_accumulation_steps", "batch_size"),),
        "gradient_accumulation_steps and batch_size exclude each other",
        "Keep gradient_accumulation_steps.",
        why="One follows from the other and from micro_batch_size.",
    ),
    Refusal(
        "test-datasets-with-val-set-size",
        "val_set_size",
        (given("test_datasets", "val_set_size"),),
        "test_datasets and val_set_size exclude each other",
        "Set val_set_size: 0, or remove test_datasets.",
        why="Both say what to evaluate on.",
    ),
    Refusal(
        "save-steps-needs-save-strategy-steps",
        "save_steps",
        (given("save_steps"), differs("save_strategy", "steps", "")),
        "save_steps with a save_strategy that is not steps",
        "Set save_strategy: steps, or remove save_steps.",
    ),
    Refusal(
        "eval-steps-needs-eval-strategy-steps",
        "eval_steps",
        (given("eval_steps"), differs("eval_strategy", "steps", "")),
        "eval_steps with an eval_strategy that is not steps",
        "Set eval_strategy: steps, or remove eval_steps.",
    ),
    Refusal(
        "evals-per-epoch-needs-eval-strategy-steps",
        "evals_per_epoch",
        (given("evals_per_epoch"), differs("eval_strategy", "steps", "")),
        "evals_per_epoch with an eval_strategy that is not steps",
        "Remove eval_strategy.",
    ),
    Refusal(
        "evaluation-needs-evaluation-data",
        "val_set_size",
        (where(_evaluates_nothing, "val_set_size", "eval_steps", "eval_strategy"),),
        "eval_steps or eval_strategy with val_set_size: 0 and no test_datasets",
        "Hold something out, or remove the evaluation.",
        why="There is nothing to evaluate on.",
    ),
    Refusal(
        "do-bench-eval-needs-eval-steps",
        "do_bench_eval",
        (given("do_bench_eval"), off("evals_per_epoch", "eval_steps")),
        "do_bench_eval without evals_per_epoch or eval_steps",
        "Add eval_steps.",
    ),
    Refusal(
        "save-strategy-best-needs-metric",
        "save_strategy",
        (equals("save_strategy", "best"), off("metric_for_best_model")),
        "save_strategy: best without metric_for_best_model",
        "Add metric_for_best_model: eval_loss.",
    ),
    Refusal(
        "hub-model-id-with-save-strategy-no",
        "save_strategy",
        (given("hub_model_id"), equals("save_strategy", "no", False)),
        "hub_model_id with save_strategy: no: axolotl warns that no model is saved to push",
        "Set save_strategy: steps or epoch.",
        raises="",
    ),
    Refusal(  # a warning: axolotl refuses two archived recipes of its own, which the gate has
        "early-stopping-needs-save-and-eval-steps",
        "early_stopping_patience",
        (given("early_stopping_patience"), either(off("save_steps"), off("eval_steps"))),
        "early_stopping_patience without save_steps and eval_steps: axolotl raises ValueError",
        "Set both, save_steps a multiple of eval_steps.",
        raises="",
    ),
    Refusal(
        "early-stopping-needs-save-steps-multiple",
        "early_stopping_patience",
        (
            given("early_stopping_patience"),
            where(_saves_between_evaluations, "save_steps", "eval_steps"),
        ),
        "early_stopping_patience with save_steps that are no multiple of eval_steps",
        "Make save_steps a multiple of eval_steps.",
        why="The best model is loaded in the end, and has to have been saved.",
    ),
    Refusal(
        "pretraining-dataset-needs-max-steps",
        "pretraining_dataset",
        (given("pretraining_dataset"), off("max_steps")),
        "pretraining_dataset without max_steps",
        "Set max_steps: a stream has no length.",
    ),
    Refusal(
        "streaming-with-val-set-size",
        "val_set_size",
        (either(given("pretraining_dataset"), given("streaming")), given("val_set_size")),
        "val_set_size with a dataset that is streamed",
        "Name test_datasets instead.",
        why="A stream has no length of which a share could be kept for the evaluation.",
    ),
    Refusal(
        "streaming-needs-max-steps",
        "streaming",
        (given("streaming"), off("max_steps", "pretraining_dataset")),
        "streaming without max_steps",
        "Set max_steps: a stream has no length.",
    ),
    Refusal(
        "streaming-several-datasets-with-sample-packing",
        "sample_packing",
        (given("streaming", "sample_packing"), where(_has_several_datasets, "datasets")),
        "sample_packing of several datasets that are streamed",
        "Stream one dataset, or remove sample_packing.",
        raises="NotImplementedError",
    ),
    Refusal(
        "deduplication-with-streaming",
        "dataset_exact_deduplication",
        (
            given("dataset_exact_deduplication"),
            either(given("streaming"), given("pretraining_dataset")),
        ),
        "dataset_exact_deduplication with a dataset that is streamed",
        "Remove dataset_exact_deduplication.",
        raises="NotImplementedError",
    ),
    Refusal(
        "deduplication-with-skip-prepare-dataset",
        "dataset_exact_deduplication",
        (given("dataset_exact_deduplication", "skip_prepare_dataset"),),
        "dataset_exact_deduplication with skip_prepare_dataset",
        "Remove one of them.",
    ),
    Refusal(
        "push-dataset-to-hub-needs-token",
        "push_dataset_to_hub",
        (
            given("push_dataset_to_hub"),
            either(missing("hf_use_auth_token"), equals("hf_use_auth_token", False)),
        ),
        "push_dataset_to_hub without hf_use_auth_token: true",
        "Add hf_use_auth_token: true.",
    ),
    Refusal(
        "chat-template-jinja-needs-template",
        "chat_template",
        (equals("chat_template", "jinja"), off("chat_template_jinja")),
        "chat_template: jinja without chat_template_jinja",
        "Add the template as chat_template_jinja.",
    ),
    Refusal(
        "eval-table-size-with-eval-sample-packing",
        "eval_table_size",
        (
            given("sample_packing", "eval_table_size"),
            either(missing("eval_sample_packing"), given("eval_sample_packing")),
        ),
        "eval_table_size and sample_packing without eval_sample_packing: false",
        "Set eval_sample_packing: false.",
    ),
    Refusal(
        "do-causal-lm-eval-with-eval-sample-packing",
        "eval_sample_packing",
        (given("do_causal_lm_eval", "eval_sample_packing"),),
        "do_causal_lm_eval with eval_sample_packing",
        "Set eval_sample_packing: false.",
    ),
    Refusal(
        "neftune-noise-alpha-not-positive",
        "neftune_noise_alpha",
        (where(_is_not_positive, "neftune_noise_alpha"),),
        "neftune_noise_alpha that is not above 0",
        "Remove it, or give it a number above 0.",
    ),
)

REMOVED = (
    *(
        Refusal(
            f"unsloth-{kebab(part)}-removed",
            f"unsloth_{part}",
            (given(f"unsloth_{part}"),),
            f"unsloth_{part} has been removed",
            "Use lora_mlp_kernel, lora_qkv_kernel and lora_o_kernel.",
            newer=True,
        )
        for part in ("cross_entropy_loss", "lora_mlp", "lora_qkv", "lora_o", "rms_norm", "rope")
    ),
    *(
        Refusal(
            f"{kebab(name)}-removed",
            name,
            (given(name),),
            f"{name} has been removed",
            "Remove it.",
            raises="DeprecationWarning",
            newer=True,
        )
        for name in (
            "max_packed_sequence_len",
            "rope_scaling",
            "s2_attention",
            "flash_attn_rms_norm",
        )
    ),
    *(
        Refusal(
            f"{kebab(name)}-removed",
            name,
            (present(name),),
            f"{name} has been removed with TRL 0.29",
            "Remove it.",
            raises="DeprecationWarning",
            newer=True,
            since="the axolotl that needs TRL 0.29",
        )
        for name in (
            "dpo_use_logits_to_keep",
            "dpo_generate_during_eval",
            "dpo_norm_loss",
            "rpo_alpha",
        )
    ),
    Refusal(
        "save-safetensors-removed",
        "save_safetensors",
        (equals("save_safetensors", False),),
        "save_safetensors: false, which transformers 5 no longer knows",
        "Remove it.",
        newer=True,
        since="the axolotl that needs transformers 5",
    ),
    Refusal(
        "sharegpt-removed",
        "datasets",
        (where(_has_sharegpt, "datasets"),),
        "a dataset of type: sharegpt, which has been removed",
        "Write type: chat_template.",
        newer=True,
    ),
    Refusal(
        "noisy-embedding-alpha-with-neftune-noise-alpha",
        "noisy_embedding_alpha",
        (given("noisy_embedding_alpha", "neftune_noise_alpha"),),
        "noisy_embedding_alpha and neftune_noise_alpha exclude each other",
        "Keep neftune_noise_alpha.",
    ),
    *(
        Refusal(
            f"{kebab(old)}-renamed",
            old,
            (present(old), missing(new)),
            f"{old} is deprecated: axolotl warns, and takes it for {new}",
            f"Rename it to {new}.",
            raises="",
        )
        for old, new in (
            ("evaluation_strategy", "eval_strategy"),
            ("dpo_beta", "rl_beta"),
            ("noisy_embedding_alpha", "neftune_noise_alpha"),
        )
    ),
    Refusal(
        "sequence-parallel-degree-renamed",
        "sequence_parallel_degree",
        (given("sequence_parallel_degree"), off("context_parallel_size")),
        "sequence_parallel_degree is deprecated: axolotl warns, and takes it for "
        "context_parallel_size",
        "Rename it to context_parallel_size.",
        raises="",
    ),
)
