"""How torchtune behaves (read at bd2a0fc)."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import (
    Behaviour,
)

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft

ATTENTION = frozenset({"q_proj", "k_proj", "v_proj", "output_proj"})


class Framework(Behaviour):
    """A recipe that torchtune reads."""

    package = "torchtune"
    component_key = "_component_"
    refuses_repeated_keys = True
    supervised = True
    always_warms_up = True
    quantizes_with_bitsandbytes = False
    trainer = "torchtune"
    distributed_recipe = "lora_finetune_distributed"

    def derive(self, draft: Draft) -> None:
        """Targets, quantization and base model, each from several keys."""
        _targets(draft)
        _quantization(draft)
        _base(draft)


def _targets(draft: Draft) -> None:
    """Four attention projections and the MLP together are every linear layer of a block."""
    setting = draft.settings.get("target_modules")
    if setting is None or not setting.known:
        return
    found = draft.find(["model.lora_attn_modules"])
    names = setting.value
    mlp = draft.find(["model.apply_lora_to_mlp"])
    if found is None or not isinstance(names, list) or mlp is None:
        return
    value = draft.plain("model.apply_lora_to_mlp")
    source = f"{found.key} and {mlp.key}"
    if value is None:
        draft.leave_open("target_modules", found, f"{mlp.key} is unknown", source)
    elif value is True and set(names) >= ATTENTION:
        draft.conclude("target_modules", "all-linear", found, source)
    elif value is True:
        draft.conclude("target_modules", [*names, "w1", "w2", "w3"], found, source)


def _quantization(draft: Draft) -> None:
    """Builders called ``qlora_…`` quantize to NF4 (torchao), as does ``quantize_base``."""
    builder = draft.plain("model._component_")
    found = draft.find(["model.quantize_base"])
    if found is None and isinstance(builder, str):
        found = draft.find(["model._component_"])
        if found is None or not builder.rpartition(".")[2].startswith("qlora_"):
            return
        draft.conclude("load_in_4bit", True, found, f"{found.key}: {builder}")
    elif found is not None:
        draft.take_from("load_in_4bit", "model.quantize_base")
    if found is not None and draft.is_true("load_in_4bit"):
        draft.conclude("bnb_4bit_quant_type", "nf4", found, "torchao's only 4-bit type")


def _base(draft: Draft) -> None:
    """The builder says which model it is; else the folder that ``tune download`` made for it."""
    from lora_rules.frameworks.torchtune.builders import built_by

    builder = draft.plain("model._component_")
    model = built_by(builder) if isinstance(builder, str) else None
    component = draft.find(["model._component_"])
    if component is not None and model is not None:
        draft.conclude("model_name_or_path", model, component, f"{component.key}: {builder}")
        return
    found = draft.find(["checkpointer.checkpoint_dir"])
    folder = draft.plain("checkpointer.checkpoint_dir")
    if found is not None and isinstance(folder, str):
        draft.conclude("model_name_or_path", folder, found, f"{found.key}: {folder}")
