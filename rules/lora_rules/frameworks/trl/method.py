"""Which method a file of TRL's is for: it does not name its script, but its keys do."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.recipe import Origin, Setting

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft

SHOWN = (
    ("gkd", ("teacher_model_name_or_path", "teacher_model_init_kwargs", "seq_kd", "lmbda")),
    ("rloo", ("normalize_advantages", "rloo_k", "token_level_kl")),
    (
        "grpo",
        (
            "num_generations",
            "reward_funcs",
            "reward_weights",
            "reward_model_name_or_path",
            "scale_rewards",
            "num_iterations",
            "steps_per_generation",
            "generation_batch_size",
            "epsilon_high",
            "importance_sampling_level",
            "mask_truncated_completions",
            "log_completions",
        ),
    ),
    ("kto", ("desirable_weight", "undesirable_weight")),
    ("cpo", ("simpo_gamma", "cpo_alpha")),
    ("reward", ("center_rewards_coefficient",)),
    (
        "dpo",
        (
            "precompute_ref_log_probs",
            "reference_free",
            "ref_model_init_kwargs",
            "rpo_alpha",
            "ld_alpha",
            "f_divergence_type",
            "label_smoothing",
            "loss_weights",
            "use_weighting",
            "discopop_tau",
            "generate_during_eval",
        ),
    ),
)
"""Keys that the argument classes of one method have, or of methods of one kind."""
LOSSES = {
    **dict.fromkeys(
        ("sigmoid", "hinge", "ipo", "robust", "apo_zero", "apo_down", "nca_pair"), "dpo"
    ),
    **dict.fromkeys(("grpo", "dr_grpo", "bnpo", "dapo", "cispo", "sapo"), "grpo"),
    **dict.fromkeys(("nll", "dft", "chunked_nll"), "sft"),
    "kto": "kto",
    "simpo": "cpo",
}
"""What ``loss_type`` says."""
OF_SEVERAL = ("beta", "max_completion_length", "max_prompt_length")
"""Keys of methods with preferences and with rewards, and not of supervised training. Those with
rewards have no ``max_length``."""


def note(draft: Draft) -> None:
    """Note the method, where the keys say it."""
    method, key = _shown(draft)
    if key:
        _note(draft, key, (method,))
    elif key := next((each for each in OF_SEVERAL if draft.is_there(each)), ""):
        _note(draft, key, ("dpo",) if draft.is_there("max_length") else ("dpo", "grpo"))


def _shown(draft: Draft) -> tuple[str, str]:
    for method, keys in SHOWN:
        for key in keys:
            if draft.is_there(key):
                return method, key
    loss = draft.plain("loss_type")
    first = loss[0] if isinstance(loss, list | tuple) and loss else loss
    method = LOSSES.get(first, "") if isinstance(first, str) else ""
    return (method, "loss_type") if method else ("", "")


def _note(draft: Draft, key: str, methods: tuple[str, ...]) -> None:
    found = draft.find([key])
    if found is not None:
        draft.settings["trainer_method"] = Setting(
            "trainer_method",
            methods,
            Origin.DERIVED,
            found.key,
            found.span,
            found.key_span,
            f"{key} is a key of {' and '.join(each.upper() for each in methods)}",
        )
