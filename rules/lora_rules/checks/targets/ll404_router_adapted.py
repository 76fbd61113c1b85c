"""Rule LL404, router-adapted."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


@rule(
    "LL404",
    Severity.INFO,
    evidence=[
        PEFT_SOURCE.says(
            "For the types whose experts it translates, all-linear includes gate.weight; "
            "elsewhere it takes a router that is a linear layer."
        ),
    ],
)
def router_adapted(targeted: Targeted) -> Iterator[Problem]:
    """The router of a mixture of experts is adapted along with everything else.

    ## What it checks
    The targets reach a layer that chooses or weights experts (`mlp.gate`, `router`,
    `shared_expert_gate`) and do not name it.

    ## Why it matters
    "all-linear" reaches it: in Mixtral, Qwen3-MoE, DeepSeek-V3 and OLMoE as the parameter that PEFT
    translates `gate` to, in Phi-MoE and Qwen2-MoE as a linear layer. Training it changes which
    experts see which tokens. No measurement of the effect was found, so this is an info.

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
