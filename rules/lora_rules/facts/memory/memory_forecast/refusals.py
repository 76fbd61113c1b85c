"""Runs of which no forecast is made, each with its reason."""

from __future__ import annotations

from lora_rules.engine.value import Unknown
from lora_rules.facts.run.run_settings import is_on
from lora_rules.recipe import Recipe

NOT_MODELLED = {
    "torch_compile": "a compiled step is not modelled",
    "activation_offloading": "activations that wait in the host's memory are not modelled",
    "pure_bf16": "LLaMA-Factory's pure_bf16 is not modelled",
    "chunked_cross_entropy": "axolotl's chunked cross-entropy is not modelled",
    "use_megatron_bridge": "Megatron's training loop is not modelled",
    "use_distributed_optimizer": "Megatron's training loop is not modelled",
    "use_mca": "Megatron's training loop is not modelled",
    "use_kt": "KTransformers is not modelled",
    "tiled_mlp": "axolotl's tiled MLP is not modelled",
    "layer_offloading": "layers that wait in the host's memory are not modelled",
    "expert_parallel_size": "expert parallelism is not modelled",
    "tensor_parallel_size": "tensor parallelism is not modelled",
    "tensor_parallel_dim": "tensor parallelism is not modelled",
    "context_parallel_size": "context parallelism is not modelled",
    "context_parallel_dim": "context parallelism is not modelled",
}
"""Keys that change memory in ways that no formula here counts."""
LOSSES = (None, "nll", "chunked_nll")
"""``loss_type`` of TRL whose logits are counted."""


def refuse(recipe: Recipe, task_type: str | None) -> None:
    """Runs that are no language-model step, or hold what is not modelled.

    Raises:
        Unknown: with the reason.
    """
    if recipe.result:
        raise Unknown("it is a trained adapter's record, not a run to come")
    if recipe.domain != "language":
        raise Unknown("only language models are modelled")
    if task_type not in (None, "CAUSAL_LM"):
        raise Unknown(f"the loss of a model for {task_type} is not modelled")
    method = recipe.known("trainer_method") if recipe.may_be("trainer_method") else "sft"
    if method not in ("sft", "pt"):
        raise Unknown(f"the loss of {method or 'that trainer'} is not modelled")
    if recipe.known("loss_type") not in LOSSES:
        raise Unknown(f"the loss {recipe.known('loss_type')!r} is not modelled")
    for name, why in NOT_MODELLED.items():
        if is_on(recipe, name):
            raise Unknown(why)


def sizes(
    recipe: Recipe, batch: int, length: int | None, accumulation: int
) -> tuple[int, int, int]:
    """The micro batch, the longest sequence and the micro steps.

    Raises:
        Unknown: if the length is not told, or one of them is no size.
    """
    if length is None:
        setting = recipe.settings.get("max_length")
        key = setting.key if setting is not None else "a maximum length"
        raise Unknown(
            f"{key} is not given, so sequences are as long as the data has them;"
            " --max-length says how long that is"
        )
    if min(batch, length, accumulation) < 1:
        raise Unknown(f"a batch of {batch} x {length} tokens, {accumulation} times, is none")
    return batch, length, accumulation
