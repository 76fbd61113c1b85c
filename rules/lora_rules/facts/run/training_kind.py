"""Fact ``training_kind``: what a run learns from.

``sft`` (examples to imitate), ``preference`` (pairs), ``reinforcement`` (rewards), ``pretraining``
(plain text), ``classification``, or ``other``. A learning rate, a rank or a number of steps that is
right for one is wrong for another, so a rule about them asks first.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.value import Unknown
from lora_rules.recipe import Blocks, Key

if TYPE_CHECKING:
    from lora_rules.engine.views import Outline

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
_CLASSIFIERS = frozenset(["SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION"])


def training_kind(
    outline: Outline,
    blocks: Blocks,
    framework: Behaviour,
    trainer_method: str | None = None,
    task_type: str | None = None,
) -> str:
    """What the run learns from.

    Raises:
        Unknown: if neither a trainer, a task nor the framework says it.
    """
    if outline.domain != "language" or outline.result or _only_predicts(blocks, framework):
        return "other"
    if trainer_method is not None:
        kind = _BY_METHOD.get(trainer_method.lower(), "other")
        return "pretraining" if kind == "sft" and _is_plain_text(blocks) else kind
    if task_type in _CLASSIFIERS:
        return "classification"
    if framework.supervised:
        return "preference" if _has_preference_loss(blocks) else "sft"
    shown = framework.supervised_keys
    if shown and any(key.name in shown for key in _keys(blocks)):
        return "sft"
    if task_type == "CAUSAL_LM" and framework.task_says_kind:
        return "sft"
    raise Unknown("what the run learns from (examples, preferences, rewards) is not said")


def _only_predicts(blocks: Blocks, framework: Behaviour) -> bool:
    """Whether the file predicts or evaluates, and trains nothing."""
    if not framework.prediction_keys:
        return False
    on = {key.name for key in _keys(blocks) if key.candidates == (True,)}
    return bool(on & framework.prediction_keys) and framework.training_key not in on


def _is_plain_text(blocks: Blocks) -> bool:
    """Whether axolotl trains on plain text: ``pretraining_dataset`` or ``type: completion``."""
    return any(
        key.name == "pretraining_dataset" or (key.name == "datasets" and _completes(key))
        for key in _keys(blocks)
    )


def _completes(key: Key) -> bool:
    items = key.candidates[0] if len(key.candidates) == 1 else None
    if not isinstance(items, list):
        return False
    kinds = [item.get("type") for item in items if isinstance(item, dict)]
    return bool(kinds) and all(kind in ("completion", "pretrain") for kind in kinds)


def _has_preference_loss(blocks: Blocks) -> bool:
    return any(
        key.name == "loss._component_" and any(".rlhf." in str(value) for value in key.candidates)
        for key in _keys(blocks)
    )


def _keys(blocks: Blocks) -> Iterator[Key]:
    for block in blocks[:1]:
        yield from block.keys
