"""How lora-launch starts torchtune."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.launch import Command, LaunchBehaviour, Start, Starter

if TYPE_CHECKING:
    from lora_rules.engine.refusals import Written


class Launch(LaunchBehaviour):
    """Its package and its command."""

    package = "torchtune"
    install = "torchtune torchao==0.15.0"
    module = "torchtune.training"
    needs = "torchtune 0.6.1 needs torchao 0.13 to 0.15: `pip install torchao==0.15.0`."
    on_cpu = ("device", "cpu")

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
