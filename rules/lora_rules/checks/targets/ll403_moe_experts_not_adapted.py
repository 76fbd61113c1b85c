"""Rule LL403, moe-experts-not-adapted."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.targets.target_names import FEED_FORWARD
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import FRAMEWORK_SOURCES, PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


@rule(
    "LL403",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "Targets match modules; _convert_peft_config_moe translates the old names of "
            "experts for some types only, and gpt-oss, Qwen2-MoE and Phi-MoE are none of "
            "them."
        ),
        FRAMEWORK_SOURCES.says(
            "axolotl's find_all_linear_names lists the last names of modules that are linear "
            "layers, which fused experts are not."
        ),
    ],
)
def moe_experts_not_adapted(framework: Behaviour, targeted: Targeted) -> Iterator[Problem]:
    """The experts of a mixture stay frozen, where the targets seem to include them.

    ## What it checks
    The base model's experts are fused into parameters, as transformers 5 builds them, and the
    targets reach none of them although they name layers of an MLP or all linear layers.

    - An info where the targets name attention only.
    - Not checked: types whose old names PEFT translates, also for "all-linear" (Mixtral, Qwen3-MoE,
      DeepSeek-V3 and others).

    ## Why it matters
    Fused experts are no modules: in the other types `gate_proj`, `up_proj` and `down_proj` find
    nothing in them, and "all-linear" passes them by. Most of the model's parameters are in its
    experts, and PEFT says nothing. The same goes for axolotl's `lora_target_linear`, which lists
    linear layers by name. Of the official recipes 2.9 % are warned: Mixtral and Qwen1.5-MoE from
    before transformers 5, gpt-oss and Qwen3.5.

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
    if not inventory.fused or targeted.half_fused or targeted.nothing or targeted.refused:
        return
    if set(targeted.parameters) & inventory.fused.keys():
        return
    meant = _means_more(targeted)
    experts = sorted({".".join(path.split(".")[-2:]) for path in inventory.fused})
    share = sum(each.parameters for each in inventory.fused.values())
    total = inventory.modules.parameters if inventory.modules is not None else share
    edits: tuple[Edit, ...] = (Set("target_parameters", experts),)
    key = framework.key("target_parameters")
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
