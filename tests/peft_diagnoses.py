"""Which findings answer which warning or silent loss of PEFT."""

from __future__ import annotations

from collections.abc import Iterator

from peft_cases import Case

BY_WARNING = {
    "`corda_config` specified": "LL008",
    "`init_lora_weights` is 'corda'": "LL008",
    "`init_lora_weights` is 'eva'": "LL008",
    "`eva_config` specified": "LL008",
    "`loftq_config` specified": "LL008",
    "lora with eva initialization used with low_cpu_mem_usage": "LL008",
    "The PEFT config's `base_model_name_or_path`": "LL008",
    "aLoRA is currently only supported": "LL008",
    "`alora_invocation_tokens`": "LL008",
    "You have passed exclude_modules": "LL413",
    "target_modules=": "LL402",
    "target_parameters=": "LL402",
    "Model has `tie_word_embeddings=True` and a tied layer": "LL406",
    "Model with `tie_word_embeddings=True`": "LL406",
    "You have requested `ensure_weight_tying`": "LL406",
    "ensure_weight_tying=True but the model does not": "LL406",
    "Setting `save_embedding_layers`": "LL406",
    "The following alpha_pattern keys": "LL207",
    "The following rank_pattern keys": "LL207",
    "`lora_bias=True` was passed": "LL415",
    "fan_in_fan_out is set": "LL415",
    "Using Rank-Stabilized LoRA with rank_pattern": "LL011",
    "Unsupported layer type": "LL415",
}
"""How PEFT's warning begins, and the rule that says so before."""

ARTEFACTS = (
    "Adapter 'default': ",  # PEFT takes the bias of lora_bias for a matrix of a wrong shape
    "Input and output embeddings are no longer tied after merging",  # that of a copy already told
)
"""Warnings that are mistaken or repeat another."""

BY_SILENCE = {
    "excluded_target_modules": ("LL011", "LL410", "LL413", "LL409"),
    "frozen_task_head": ("LL411",),
    "init_needs_extra_call": ("LLB15",),
    "no_grad_params": ("LL002", "LL410", "LL414", "LL415"),
    "no_trainable": ("LL004",),
    "nonpositive_scaling": ("LL101",),
    "dropout_out_of_range_accepted": ("LL302",),
    "modules_to_save_is_str": ("LL002",),
    "rank_gt_min_dim": ("LL203", "LL404"),
    "unmatched_layers_to_transform": ("LL409",),
    "unmatched_modules_to_save": ("LL410",),
    "unmatched_target_modules": ("LL402",),
    "unmatched_target_parameters": ("LL402",),
    "variant_silently_ignored": ("LL419", "LLB08"),
}
"""What PEFT does without a word, and the rules one of which says so."""


def owed(case: Case) -> Iterator[frozenset[str]]:
    """For each warning and silent loss, the codes one of which has to be found."""
    for message in case.warnings:
        if _is_of_its_own_making(case, message):
            continue
        code = next((code for start, code in BY_WARNING.items() if message.startswith(start)), None)
        if code is not None:
            yield frozenset([code])
        elif not message.startswith(ARTEFACTS):
            raise AssertionError(f"{case.id}: no rule is named for {message!r}")
    for name in case.silent:
        yield frozenset(BY_SILENCE[name])


def _is_of_its_own_making(case: Case, message: str) -> bool:
    """PEFT warns of a pattern that it wrote itself, or of a default that it corrects itself."""
    for name in ("rank_pattern", "alpha_pattern"):
        if message.startswith(f"The following {name} keys"):
            return not any(repr(key) in message for key in case.kwargs.get(name, ()))
    return message.startswith("fan_in_fan_out is set") and "fan_in_fan_out" not in case.kwargs
