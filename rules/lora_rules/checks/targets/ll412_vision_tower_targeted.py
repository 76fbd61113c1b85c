"""Rule LL412, vision-tower-targeted."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE, VLLM_TOWERS

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
    from lora_rules.facts.model.inventory import Inventory


_SENSES = ("vision", "visual", "audio", "image", "video")


TOWER = lazily(rf"(^|\.)({'|'.join(_SENSES)})(_\w+)?(\.|$)")
"""A part of a path that belongs to what sees or hears."""


@rule(
    "LL412",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "A name in a list fits every module whose path ends in it, in the tower as in the "
            "language model."
        ),
        VLLM_TOWERS.says(
            "Without --enable-tower-connector-lora LoRA is applied to the language model "
            "only; modules of the tower are ignored."
        ),
    ],
)
def vision_tower_targeted(targeted: Targeted) -> Iterator[Problem]:
    """Names that were meant for the language model reach the vision tower as well.

    ## What it checks
    The base model sees or hears besides reading, and a list of names in `target_modules` also fits
    layers of its vision or audio tower, because they are called alike.

    - "all-linear" says that it means everything: an info.
    - Not checked: expressions, which say where they mean.

    ## Why it matters
    The tower gets adapters that nobody asked for: more memory, and a changed encoder. vLLM serves
    adapters of a tower only with `--enable-tower-connector-lora`, and only for some models; else it
    ignores them with a warning.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained("google/gemma-3-4b-it")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL412: names
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained("google/gemma-3-4b-it")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(
        r=16, lora_alpha=32, target_modules=names, exclude_modules=r".*vision_tower.*"
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When the tower is to be trained.

    ## Options
    None.
    """
    written = targeted.written
    if written is None or not targeted.inventory.exact:
        return
    everything = isinstance(written, str) and written.lower() == "all-linear"
    if isinstance(written, str) and not everything:
        return  # an expression says where it means
    tower = [path for path in targeted.adapted if _in_tower(path)]
    if not tower or len(tower) == len(targeted.adapted) or not _reads(targeted.inventory):
        return
    names = [name for name in written if "." in name] if not everything else []
    if any(TOWER.search(f".{name}.") for name in names):
        return
    top = TOWER.search(min(tower))
    where = min(tower)[: top.end()].rstrip(".") if top else min(tower)
    yield Problem(
        "target_modules",
        f"{len(tower)} of {len(targeted.adapted)} adapted layers are in {where}, not in the "
        "language model.",
        severity=Severity.INFO if everything else Severity.WARNING,
        help=f"Add exclude_modules=r'.*{where.rpartition('.')[2]}.*', if it is to stay as it is.",
    )


def _in_tower(path: str) -> bool:
    return any(sense in path for sense in _SENSES) and TOWER.search(path) is not None


def _reads(inventory: Inventory) -> bool:
    """Whether there is a language model beside the tower."""
    return inventory.embedding is not None and not _in_tower(inventory.embedding)
