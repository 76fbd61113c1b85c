"""What took the place of an option that a program no longer has."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.libraries.successors import Successor

DISTRIBUTIONS = {
    "swift": "ms-swift",
    "autotrain": "autotrain-advanced",
    "torchtune": "torchtune",
    "torch": "torch",
    "verl": "verl",
    "openrlhf": "openrlhf",
    "axolotl": "axolotl",
    "litgpt": "litgpt",
    "llamafactory": "llamafactory",
    "ludwig": "ludwig",
    "nemo_automodel": "nemo-automodel",
    "oumi": "oumi",
}
"""What PyPI calls the distribution of a package."""

RENAMED: Mapping[str, Mapping[str, str]] = {
    "swift": {
        "batch_size": "per_device_train_batch_size",
        "bnb_4bit_comp_dtype": "bnb_4bit_compute_dtype",
        "ckpt_dir": "adapters",
        "custom_train_dataset_path": "dataset",
        "custom_val_dataset_path": "val_dataset",
        "dataset_test_ratio": "split_dataset_ratio",
        "deepspeed_config_path": "deepspeed",
        "dtype": "torch_dtype",
        "eval_batch_size": "per_device_eval_batch_size",
        "evaluation_strategy": "eval_strategy",
        "gpu_memory_utilization": "vllm_gpu_memory_utilization",
        "init_lora_weights": "init_weights",
        "limit_mm_per_prompt": "vllm_limit_mm_per_prompt",
        "lora_bias_trainable": "lora_bias",
        "lora_dropout_p": "lora_dropout",
        "lora_lr_ratio": "lorap_lr_ratio",
        "lora_modules_to_save": "modules_to_save",
        "lora_target_modules": "target_modules",
        "lora_target_regex": "target_regex",
        "loss_name": "loss_type",
        "merge_lora_and_save": "merge_lora",
        "metric": "eval_metric",
        "model_id_or_path": "model",
        "neftune_alpha": "neftune_noise_alpha",
        "only_save_model": "save_only_model",
        "preprocess_num_proc": "dataset_num_proc",
        "quantization_bit": "quant_bits",
        "ref_model_id_or_path": "ref_model",
        "result_dir": "result_path",
        "reward_model_id_or_path": "reward_model",
        "sft_beta": "rpo_alpha",
        "sft_type": "tuner_type",
        "streaming_buffer_size": "shuffle_buffer_size",
        "template_type": "template",
        "tensor_parallel_size": "vllm_tensor_parallel_size",
        "train_type": "tuner_type",
        "use_liger": "use_liger_kernel",
    },
    "autotrain": {
        "disable_gc": "disable_gradient_checkpointing",
        "evaluation_strategy": "eval_strategy",
        "gradient_accumulation_steps": "gradient_accumulation",
        "learning_rate": "lr",
        "max_len": "model_max_length",
        "max_length": "model_max_length",
        "mp": "mixed_precision",
        "num_train_epochs": "epochs",
        "train_batch_size": "batch_size",
        "use_fa2": "use_flash_attention_2",
        "use_peft": "peft",
    },
    "openrlhf": {
        "lora_rank": "ds.lora.rank",
        "lora_alpha": "ds.lora.alpha",
        "lora_dropout": "ds.lora.dropout",
        "target_modules": "ds.lora.target_modules",
        "load_in_4bit": "ds.load_in_4bit",
        "zero_stage": "ds.zero_stage",
        "param_dtype": "ds.param_dtype",
        "adam_offload": "ds.adam_offload",
        "packing_samples": "ds.packing_samples",
        "pretrain": "model.model_name_or_path",
        "gradient_checkpointing": "model.gradient_checkpointing_enable",
        "learning_rate": "adam.lr",
        "max_epochs": "train.max_epochs",
        "train_batch_size": "train.batch_size",
        "micro_train_batch_size": "train.micro_batch_size",
        "max_len": "data.max_len",
        "max_samples": "data.max_samples",
        "dataset": "data.dataset",
        "input_key": "data.input_key",
        "output_key": "data.output_key",
        "apply_chat_template": "data.apply_chat_template",
        "save_path": "ckpt.output_dir",
        "ckpt_path": "ckpt.path",
        "save_steps": "ckpt.save_steps",
        "logging_steps": "logger.logging_steps",
        "eval_steps": "eval.steps",
    },
    "llamafactory": {
        "dpo_beta": "pref_beta",
        "dpo_ftx": "pref_ftx",
        "dpo_loss": "pref_loss",
        "orpo_beta": "pref_beta",
        "new_special_tokens": "add_special_tokens",
        "image_dir": "media_dir",
    },
}
"""By package: a new name for the same value, as far as the program has it."""

ADVICE: Mapping[str, Mapping[str, str]] = {
    "swift": {
        "use_flash_attn": "Write attn_impl flash_attn.",
        "use_loss_scale": "Write loss_scale with the name of one.",
        "self_cognition_sample": "Write the number behind the data set: swift/self-cognition#500.",
        "train_dataset_sample": "Write the number behind the data set: name#500.",
        "val_dataset_sample": "Write the number behind the data set: name#500.",
        "save_safetensors": "Remove it: safetensors is what is written.",
    },
    "autotrain": {
        "use_int4": "Write quantization int4.",
        "use_int8": "Write quantization int8.",
        "fp16": "Write mixed_precision fp16.",
        "repo_id": "Write username, and project_name for the last part.",
    },
    "llamafactory": {
        "image_resolution": "Write image_max_pixels: the product of both sides.",
        "video_resolution": "Write video_max_pixels: the product of both sides.",
        "train_mm_proj_only": "Write freeze_vision_tower: true and freeze_language_model: true.",
        "split": "Write it into the data set's entry of dataset_info.json.",
        "visual_inputs": "Remove it: the template says whether there are images.",
        "reserved_label_len": "Remove it: prompts and answers share cutoff_len.",
    },
}
"""Where it takes more than a new name."""


def successor(program: str, name: str, known: frozenset[str]) -> Successor | None:
    """What took the place of an option, or had it in versions that do not have the option yet.

    Args:
        program: such as ``swift.export``.
        name: the option that it does not take.
        known: what it takes.
    """
    library = program.partition(".")[0]
    renamed = RENAMED.get(library, {})
    new = renamed.get(name, "") or next((old for old in renamed if renamed[old] == name), "")
    if new in known:
        return Successor(f"Write {new}.", new)
    advice = ADVICE.get(library, {}).get(name)
    return Successor(advice) if advice else None
