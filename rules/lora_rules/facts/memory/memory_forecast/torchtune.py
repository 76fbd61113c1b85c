"""torchtune's models and projections under the names that the hub's checkpoints have.

A builder fixes every size of its model, so it names the model better than the folder of the
checkpoint does (torchtune bd2a0fc, ``models/*/_model_builders.py``; the ids are those of its own
``tune download`` lines).
"""

from __future__ import annotations

from lora_rules.engine._startup.record import lazily
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.adapter import Adapter
from lora_rules.facts.memory.shape import Shape
from lora_rules.facts.run.run_settings import written
from lora_rules.recipe import Recipe

MODELS = {
    "gemma_2b": "google/gemma-2b",
    "gemma_7b": "google/gemma-7b",
    "gemma2_2b": "google/gemma-2-2b",
    "gemma2_9b": "google/gemma-2-9b",
    "gemma2_27b": "google/gemma-2-27b",
    "llama2_7b": "meta-llama/Llama-2-7b-hf",
    "llama2_13b": "meta-llama/Llama-2-13b-hf",
    "llama2_70b": "meta-llama/Llama-2-70b-hf",
    "llama3_8b": "meta-llama/Meta-Llama-3-8B-Instruct",
    "llama3_70b": "meta-llama/Meta-Llama-3-70B-Instruct",
    "llama3_1_8b": "meta-llama/Llama-3.1-8B-Instruct",
    "llama3_1_70b": "meta-llama/Llama-3.1-70B-Instruct",
    "llama3_1_405b": "meta-llama/Llama-3.1-405B-Instruct",
    "llama3_2_1b": "meta-llama/Llama-3.2-1B-Instruct",
    "llama3_2_3b": "meta-llama/Llama-3.2-3B-Instruct",
    "llama3_3_70b": "meta-llama/Llama-3.3-70B-Instruct",
    "mistral_7b": "mistralai/Mistral-7B-v0.1",
    "qwen2_0_5b": "Qwen/Qwen2-0.5B-Instruct",
    "qwen2_1_5b": "Qwen/Qwen2-1.5B-Instruct",
    "qwen2_7b": "Qwen/Qwen2-7B-Instruct",
}
"""By the builder's name without ``lora_`` or ``qlora_``."""
_QWEN = lazily(r"qwen(2_5|3)_(\d+)(?:_(\d+))?b(?:_(base|instruct))?")
NAMES = {"output_proj": "o_proj", "w1": "gate_proj", "w2": "down_proj", "w3": "up_proj"}
"""Projections of ``TransformerDecoder`` by transformers' names; the others agree."""


def model_of(recipe: Recipe) -> str | None:
    """The hub id of the model that the builder builds, if there is one of that name."""
    builder = str(written(recipe, "model._component_")).rpartition(".")[2]
    name = builder.removeprefix("q").removeprefix("lora_")
    qwen = _QWEN.fullmatch(name)
    if qwen is None:
        return MODELS.get(name)
    size = qwen[2] + (f".{qwen[3]}" if qwen[3] else "")
    return f"Qwen/Qwen2.5-{size}B-Instruct" if qwen[1] == "2_5" else f"Qwen/Qwen3-{size}B"


def adapter_of(recipe: Recipe, shape: Shape, rank: int, dropout: float, dora: bool) -> Adapter:
    """What torchtune adapts, on the layers as transformers has them.

    Raises:
        Unknown: if the names are not known, or the model's layers are fused there and not here.
    """
    modules = written(recipe, "model.lora_attn_modules")
    if not isinstance(modules, list) or rank < 1 or not 0 <= dropout < 1:
        raise Unknown("model.lora_attn_modules or model.lora_rank is not known")
    mlp = written(recipe, "model.apply_lora_to_mlp") is True
    wanted = [*modules, *(("w1", "w2", "w3") if mlp else ())]
    names = [NAMES.get(str(each), str(each)) for each in wanted]
    there = {each.name for block in shape.blocks for each in block.projections}
    if not set(names) <= there:
        raise Unknown("torchtune splits projections that the checkpoint has as one")
    head = written(recipe, "model.apply_lora_to_output") is True
    extra = rank * (shape.hidden + shape.vocabulary) if head else 0
    return Adapter(dict.fromkeys(names, rank), dropout, dora, extra=extra)
