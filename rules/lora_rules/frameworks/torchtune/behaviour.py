"""How torchtune behaves (read at bd2a0fc)."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import (
    Behaviour,
    Command,
    Launch,
    RefusalTables,
    Start,
    Starter,
)

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft
    from lora_rules.engine.refusals import Written

ATTENTION = frozenset({"q_proj", "k_proj", "v_proj", "output_proj"})


class Framework(Behaviour):
    """A recipe that torchtune reads."""

    supervised = True
    always_warms_up = True
    quantizes_with_bitsandbytes = False
    trainer = "torchtune"
    distributed_recipe = "lora_finetune_distributed"
    refusals = (RefusalTables("frameworks.other_refusals", ("TORCHTUNE",), "torchtune"),)
    launch = Launch(
        "torchtune",
        "torchtune torchao==0.15.0",
        module="torchtune.training",
        needs="torchtune 0.6.1 needs torchao 0.13 to 0.15: `pip install torchao==0.15.0`.",
        on_cpu=("device", "cpu"),
    )

    def derive(self, draft: Draft) -> None:
        """Targets, quantization and base model, each from several keys."""
        _targets(draft)
        _quantization(draft)
        _base(draft)

    def command(self, start: Start) -> Command:
        """``tune run`` with the recipe that the file is for."""
        task = _task(start.keys)
        if start.devices == 1 and task != "qat_lora_finetune":
            recipe: tuple[str, ...] = (f"{task}_single_device",)
        else:
            recipe = ("--nproc_per_node", str(start.devices), f"{task}_distributed")
        return Command(Starter.PROGRAM, ("tune", "run", *recipe, "--config", start.file))


def _task(keys: Written) -> str:
    """Which of its LoRA recipes a file is for: it is not said in it, only shown.

    Quantization-aware training exists as a distributed recipe alone.
    """
    if any(str(each).endswith("DPOLoss") for each in keys.known("loss._component_")):
        return "lora_dpo"
    if keys.known("teacher_model._component_"):
        return "knowledge_distillation"
    if any("QAT" in str(each) for each in keys.known("quantizer._component_")):
        return "qat_lora_finetune"
    return "lora_finetune"


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
    """The base model is known by the folder that ``tune download`` made for it."""
    found = draft.find(["checkpointer.checkpoint_dir"])
    folder = draft.plain("checkpointer.checkpoint_dir")
    if found is not None and isinstance(folder, str):
        draft.conclude("model_name_or_path", folder, found, f"{found.key}: {folder}")
