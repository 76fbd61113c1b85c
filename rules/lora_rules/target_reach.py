"""How much of the model the targets reach: attention only, PEFT's default, a vision tower."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import BIDERMAN_2024, DETTMERS_2023, PEFT_SOURCE, SCHULMAN_2025
from lora_rules.recipe import Recipe
from lora_rules.record import lazily
from lora_rules.rule import Problem, Set, Severity, rule
from lora_rules.target_names import in_transformers_5
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.inventory import Inventory
    from lora_rules.facts.targeted import Targeted

_SENSES = ("vision", "visual", "audio", "image", "video")
TOWER = lazily(rf"(^|\.)({'|'.join(_SENSES)})(_\w+)?(\.|$)")
"""A part of a path that belongs to what sees or hears."""


@rule("LL401", Severity.INFO, evidence=[SCHULMAN_2025, BIDERMAN_2024, DETTMERS_2023])
def attention_only_targets(recipe: Recipe, targeted: Targeted) -> Iterator[Problem]:
    """A language model's MLP layers get no adapter.

    ## What it checks
    The base model is a causal language model whose MLP has linear layers, and the targets reach
    none of them. Classifiers, and mixtures of experts (LL403), are left alone.

    ## Why it matters
    Measurements agree that the MLP matters more than attention: LoRA Without Regret finds MLP-only
    as good as all layers and far better than attention-only at equal parameters, Biderman et al.
    the order all, MLP, attention, and QLoRA needed all layers to match 16-bit training. 286 of 309
    official recipes include the MLP. It costs memory, so it is only mentioned.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    names = ["q_proj", "k_proj", "v_proj", "o_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL401: names
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When memory binds, or your own evaluation is content.

    ## Options
    None.
    """
    inventory = targeted.inventory
    if targeted.written is None or targeted.refused or targeted.parameters or inventory.fused:
        return  # PEFT's own choice is LL408's to tell
    if not inventory.class_name.endswith(("CausalLM", "LMHeadModel")):
        return
    if recipe.known("task_type") not in (None, "CAUSAL_LM"):
        return
    inner = [path for path in inventory.linears if path != inventory.head]
    attention = [path for path in inner if _in_attention(path)]
    rest = [path for path in inner if not _in_attention(path) and any(map(str.isdigit, path))]
    adapted = set(targeted.adapted)
    if rest and adapted.intersection(attention) and not adapted.intersection(rest):
        names = sorted({path.rpartition(".")[2] for path in rest})
        yield Problem(
            "target_modules",
            f"only attention is adapted; {', '.join(names)} are not.",
            help='target_modules="all-linear" includes them.',
            edits=(Set("target_modules", "all-linear"),),
        )


def _in_attention(path: str) -> bool:
    return "attn" in path or "attention" in path


@rule("LL408", Severity.INFO, evidence=[PEFT_SOURCE])
def implicit_default_targets(recipe: Recipe, targeted: Targeted) -> Iterator[Problem]:
    """No targets are named, so PEFT picks them, or raises.

    ## What it checks
    `target_modules` is not given and the base model is known: which modules PEFT 0.21.2 takes for
    its type. It is an error where PEFT has no default for the type; where the type's experts are
    fused since transformers 5, its default is lost, an error if 5 is pinned, else a warning.

    ## Why it matters
    For most language models the default is the query and value projections, the choice of 2021:
    a fraction of what current recipes adapt. For the types that PEFT's table lacks it raises
    ValueError after the model has been loaded.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("microsoft/Phi-3-mini-4k-instruct")
    config = LoraConfig(r=16, lora_alpha=32)  # LL408
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("microsoft/Phi-3-mini-4k-instruct")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    An info: when that default is what you want. An error: never.

    ## Options
    None.
    """
    if targeted.written is not None or targeted.refused:
        return
    inventory = targeted.inventory
    if not inventory.exact:
        return
    if targeted.nothing and not targeted.without_layers and not targeted.taken_out:
        yield Problem(
            None,
            f"no target_modules, and PEFT 0.21.2 has no default for {inventory.model_type}: it "
            "raises ValueError.",
            severity=in_transformers_5(recipe, Severity.ERROR)
            if inventory.fused
            else Severity.ERROR,
            help='Name the modules, or write target_modules="all-linear".',
        )
    elif targeted.adapted:
        names = sorted({path.rpartition(".")[2] for path in targeted.adapted})
        yield Problem(
            None,
            f"no target_modules: PEFT takes {', '.join(names)} of {inventory.model_type}.",
            help='Name the modules, or write target_modules="all-linear".',
        )


@rule("LL412", Severity.WARNING, evidence=[PEFT_SOURCE])
def vision_tower_targeted(targeted: Targeted) -> Iterator[Problem]:
    """Names that were meant for the language model reach the vision tower as well.

    ## What it checks
    The base model sees or hears besides reading, and a list of names in `target_modules` fits
    layers of its vision or audio tower, too, because they are called alike. "all-linear" says that
    it means everything, and is only mentioned.

    ## Why it matters
    The tower gets adapters that nobody asked for: more memory, a changed encoder, and adapters
    that vLLM and others refuse to serve.

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
