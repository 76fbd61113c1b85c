"""Fact ``training_kind``: what a run learns from.

``sft`` (examples to imitate), ``preference`` (pairs), ``reinforcement`` (rewards), ``pretraining``
(plain text), ``classification``, or ``other``. A learning rate, a rank or a number of steps that is
right for one is wrong for another, so a rule about them asks first.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.value import Unknown
from lora_rules.recipe import Key, Recipe

PREFERENCE = frozenset(
    ["dpo", "kto", "orpo", "cpo", "simpo", "ipo", "bco", "onlinedpo", "xpo", "nashmd", "dpo_nca"]
)
REINFORCEMENT = frozenset(["grpo", "ppo", "rloo", "gdpo", "reinforce", "gspo"])
_BY_METHOD = {
    "sft": "sft",
    "llm-sft": "sft",
    "vlm-sft": "sft",
    "trl_sft": "sft",
    "pt": "pretraining",
    "llm-generic": "pretraining",
    "rm": "other",
    "reward": "other",
    "prm": "other",
    "gkd": "other",
    **dict.fromkeys(PREFERENCE, "preference"),
    **dict.fromkeys(REINFORCEMENT, "reinforcement"),
}
SUPERVISED_DIALECTS = frozenset(
    ["torchtune", "litgpt", "mlx-lm", "unsloth-studio", "nemo-automodel"]
)
"""Dialects whose LoRA recipes imitate examples, unless their loss says otherwise."""
_ONLY_IN_SFT = frozenset(
    [
        "packing",
        "packing_strategy",
        "eval_packing",
        "dataset_text_field",
        "max_seq_length",
        "completion_only_loss",
        "assistant_only_loss",
    ]
)
"""Keys that of TRL's trainers only SFTTrainer reads; its files do not name the trainer."""
_CLASSIFIERS = frozenset(["SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION"])


def training_kind(
    recipe: Recipe, trainer_method: str | None = None, task_type: str | None = None
) -> str:
    """What the run learns from.

    Raises:
        Unknown: if neither a trainer, a task nor the framework says it.
    """
    if recipe.domain != "language" or recipe.result or _only_predicts(recipe):
        return "other"
    if trainer_method is not None:
        kind = _BY_METHOD.get(trainer_method.lower(), "other")
        return "pretraining" if kind == "sft" and _is_plain_text(recipe) else kind
    if task_type in _CLASSIFIERS:
        return "classification"
    if recipe.dialect in SUPERVISED_DIALECTS:
        return "preference" if _has_preference_loss(recipe) else "sft"
    if recipe.dialect == "trl" and any(key.name in _ONLY_IN_SFT for key in _keys(recipe)):
        return "sft"
    if task_type == "CAUSAL_LM" and recipe.dialect in ("peft", "unsloth"):
        return "sft"
    raise Unknown("what the run learns from (examples, preferences, rewards) is not said")


def _only_predicts(recipe: Recipe) -> bool:
    """LLaMA-Factory trains only with ``do_train``; such a file may predict or evaluate instead."""
    if recipe.dialect != "llamafactory":
        return False
    on = {key.name for key in _keys(recipe) if key.candidates == (True,)}
    return bool(on & {"do_predict", "do_eval"}) and "do_train" not in on


def _is_plain_text(recipe: Recipe) -> bool:
    """Whether axolotl trains on plain text: ``pretraining_dataset`` or ``type: completion``."""
    return any(
        key.name == "pretraining_dataset" or (key.name == "datasets" and _completes(key))
        for key in _keys(recipe)
    )


def _completes(key: Key) -> bool:
    items = key.candidates[0] if len(key.candidates) == 1 else None
    if not isinstance(items, list):
        return False
    kinds = [item.get("type") for item in items if isinstance(item, dict)]
    return bool(kinds) and all(kind in ("completion", "pretrain") for kind in kinds)


def _has_preference_loss(recipe: Recipe) -> bool:
    return any(
        key.name == "loss._component_" and any(".rlhf." in str(value) for value in key.candidates)
        for key in _keys(recipe)
    )


def _keys(recipe: Recipe) -> Iterator[Key]:
    for block in recipe.blocks[:1]:
        yield from block.keys
