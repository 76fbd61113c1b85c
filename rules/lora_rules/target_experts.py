"""Experts and gates: what the targets reach of a mixture of experts or a gated MLP."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import PEFT_SOURCE
from lora_rules.recipe import Recipe
from lora_rules.rule import Edit, Problem, Set, Severity, rule
from lora_rules.target_names import FEED_FORWARD, in_transformers_5
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.inventory import Inventory
    from lora_rules.facts.targeted import Targeted


@rule("LL403", Severity.WARNING, evidence=[PEFT_SOURCE])
def moe_experts_not_adapted(recipe: Recipe, targeted: Targeted) -> Iterator[Problem]:
    """The experts of a mixture stay frozen, where the targets seem to include them.

    ## What it checks
    The base model's experts are fused into parameters, as transformers 5 builds them, and the
    targets reach none of them although they name layers of an MLP or all linear layers. Targets
    that name attention only are mentioned as info. Where PEFT translates the old names of experts
    (Mixtral, Qwen3-MoE, DeepSeek and others), those are not misses.

    ## Why it matters
    Fused experts are no modules: `gate_proj`, `up_proj` and `down_proj` find nothing in them, and
    "all-linear" passes them by. Most of the model's parameters are in its experts, and PEFT says
    nothing. The same goes for axolotl's `lora_target_linear`, which lists linear layers by name:
    among the official recipes it fires on six of those (1.9 %), Mixtral and Qwen1.5-MoE recipes
    from before transformers 5.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen1.5-MoE-A2.7B")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL403: names
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen1.5-MoE-A2.7B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
        target_parameters=["experts.gate_up_proj", "experts.down_proj"],
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When the experts are to stay as they are: adapters on fused experts are large, one for each.

    ## Options
    None.
    """
    inventory = targeted.inventory
    if not inventory.fused or targeted.half_fused or targeted.nothing:
        return
    if set(targeted.parameters) & inventory.fused.keys():
        return
    meant = _means_more(targeted)
    experts = sorted({".".join(path.split(".")[-2:]) for path in inventory.fused})
    share = sum(each.parameters for each in inventory.fused.values())
    total = inventory.modules.parameters if inventory.modules is not None else share
    edits: tuple[Edit, ...] = (Set("target_parameters", experts),)
    key = "lora_target_parameters" if recipe.dialect == "axolotl" else "target_parameters"
    yield Problem(
        "target_modules",
        f"the experts of this {inventory.model_type} model ({100 * share / total:.0f} % of its "
        "parameters) get no adapter: they are fused parameters, and no target means them.",
        severity=Severity.WARNING if meant else Severity.INFO,
        help=f"Add {key}={experts} (with lora_dropout=0), or name attention only.",
        edits=edits,
    )


def _means_more(targeted: Targeted) -> bool:
    """Whether the targets name layers of an MLP, or everything."""
    written = targeted.written
    if isinstance(written, str):
        return written.lower() == "all-linear" or any(name in written for name in _MLP_WORDS)
    return any(name.rpartition(".")[2] in FEED_FORWARD for name in written or ())


_MLP_WORDS = ("up_proj", "down_proj", "gate_proj", "expert")


@rule("LL404", Severity.INFO, evidence=[PEFT_SOURCE])
def router_adapted(targeted: Targeted) -> Iterator[Problem]:
    """The router of a mixture of experts is adapted along with everything else.

    ## What it checks
    The targets reach a layer that chooses experts (`mlp.gate`, `router`, `shared_expert_gate`).

    ## Why it matters
    "all-linear" includes it. Training the router changes which experts see which tokens; no
    measurement of the effect was found, so this is only said.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("mistralai/Mixtral-8x7B-v0.1")
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")  # LL404: "all-linear"
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("mistralai/Mixtral-8x7B-v0.1")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "w1", "w2", "w3"],
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When the router is to be trained.

    ## Options
    None.
    """
    inventory = targeted.inventory
    if not inventory.fused:
        return
    reached = [path.removesuffix(".weight") for path in targeted.parameters]
    routers = [path for path in (*reached, *targeted.adapted) if inventory.is_router(path)]
    named = targeted.written
    deliberate = not isinstance(named, str) and any(
        path.endswith(f".{name}") for path in routers for name in named or ()
    )
    if routers and not deliberate:
        yield Problem(
            "target_modules",
            f"the router is adapted, too ({min(routers)}).",
            help="Name the layers instead of all of them, if it is to stay as it is.",
        )


@rule("LL405", Severity.INFO, evidence=[PEFT_SOURCE])
def partial_gated_mlp(recipe: Recipe, targeted: Targeted) -> Iterator[Problem]:
    """Some layers of a gated MLP are adapted, and one is left out.

    ## What it checks
    The targets name `up_proj` or `down_proj` but not `gate_proj` (or another such part) of a model
    whose MLP has all three. Where the layers are experts that transformers 5 fuses, PEFT wants all
    that were fused into one parameter, or none: an error if 5 is pinned, else a warning.

    ## Why it matters
    It is usually an oversight. Whether it costs anything was not measured; Biderman et al. left
    the gate out on purpose. For fused experts PEFT raises ValueError.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL405: names
    model = get_peft_model(model, config)
    ```
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-30B-A3B")
    names = ["q_proj", "v_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL405: names
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    An info: when it was left out on purpose. An error: never.

    ## Options
    None.
    """
    written = targeted.written
    if targeted.half_fused is not None:
        fused = sorted(targeted.half_fused.fused)
        yield Problem(
            "target_modules",
            f"{' and '.join(fused)} are one parameter ({targeted.half_fused.parameter}) in "
            "transformers 5: PEFT raises ValueError unless both or none are named.",
            severity=in_transformers_5(recipe, Severity.ERROR),
            help=f"Name {', '.join(fused)} together.",
            edits=_completed(written, fused),
        )
    elif written is not None and not isinstance(written, str):
        parts = _gated(targeted.inventory)
        named = [part for part in parts if part in written]
        missing = [part for part in parts if part not in written]
        if named and missing and _reach(targeted, named):
            yield Problem(
                "target_modules",
                f"{', '.join(named)} of the gated MLP are adapted, {', '.join(missing)} is not.",
                help=f"Add {', '.join(missing)}, if it was forgotten.",
                edits=_completed(written, missing),
            )


def _completed(written: object, more: list[str]) -> tuple[Edit, ...]:
    if not isinstance(written, list | tuple):
        return ()
    return (Set("target_modules", list(dict.fromkeys([*written, *more]))),)


def _gated(inventory: Inventory) -> tuple[str, ...]:
    """The layers of an MLP with a gate, if the model has such."""
    for parts in (("gate_proj", "up_proj", "down_proj"), ("wi_0", "wi_1", "wo")):
        if inventory.names.issuperset(parts):
            return parts
    return ()


def _reach(targeted: Targeted, names: list[str]) -> bool:
    return any(path.rpartition(".")[2] in names for path in targeted.adapted)
