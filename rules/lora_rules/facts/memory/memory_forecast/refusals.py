"""Fact ``modelled_method``; and the runs of which no forecast is made, each with its reason."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.value import Absent, Known, Unknown, Value, is_given
from lora_rules.engine.views import Outline
from lora_rules.facts.run.written_keys import keys_on, may_be_on
from lora_rules.recipe import Blocks

if TYPE_CHECKING:
    from lora_rules.facts.adapter.adapter import Adapter

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


def modelled_method(
    blocks: Blocks,
    outline: Outline,
    adapter: Adapter,
    trainer_method: Value,
    loss_type: Value,
    torch_compile: Value,
    activation_offloading: Value,
) -> str:
    """What is trained for, of a run that is modelled: ``sft`` or ``pt``.

    Raises:
        Unknown: if it is no language model's step, or holds what is not modelled.
    """
    if outline.result:
        raise Unknown("it is a trained adapter's record, not a run to come")
    if outline.domain != "language":
        raise Unknown("only language models are modelled")
    if adapter.task_type not in (None, "CAUSAL_LM"):
        raise Unknown(f"the loss of a model for {adapter.task_type} is not modelled")
    method = _method(trainer_method)
    if method not in ("sft", "pt"):
        raise Unknown(f"the loss of {method or 'that trainer'} is not modelled")
    if isinstance(loss_type, Known) and loss_type.value not in LOSSES:
        raise Unknown(f"the loss {loss_type.value!r} is not modelled")
    settings = {"torch_compile": torch_compile, "activation_offloading": activation_offloading}
    given = {name: each for name, each in settings.items() if not isinstance(each, Absent)}
    on = keys_on(blocks, NOT_MODELLED.keys() - given.keys())
    on |= {name for name, each in given.items() if may_be_on(each, blocks, name)}
    for name, why in NOT_MODELLED.items():
        if name in on:
            raise Unknown(why)
    return method


def _method(trainer_method: Value) -> str:
    """What is trained for, supervised if nothing is said; empty if it is not known."""
    if not is_given(trainer_method):
        return "sft"
    return str(trainer_method.value) if isinstance(trainer_method, Known) else ""
