"""Rule LL401, attention-only-targets."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DETTMERS_2023, OFFICIAL_RECIPES, PEFT_BENCHMARK, SCHULMAN_2025

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


@rule(
    "LL401",
    Severity.INFO,
    evidence=[
        SCHULMAN_2025.says(
            "Attention-only with rank 256 underperforms MLP-only with rank 128, despite about "
            "the same number of parameters; also in reinforcement learning."
        ),
        DETTMERS_2023.says(
            "Adapters on query and value alone do not match full fine-tuning; adapters on all "
            "linear layers are required (LLaMA 7B on Alpaca)."
        ),
        PEFT_BENCHMARK.says(
            "MLP-only at r=10 (9.46 million parameters) 49.4 %, q and v at r=32 (9.18 "
            "million) 47.8 %, both with lora_alpha = 2r."
        ),
        PEFT_BENCHMARK.disagrees(
            "q and v with rsLoRA at r=64 reach 51.3 %: scale and rank count, too."
        ),
        OFFICIAL_RECIPES.says("287 of 309 name layers of the MLP."),
    ],
)
def attention_only_targets(targeted: Targeted, task_type: str | None = None) -> Iterator[Problem]:
    """A language model's MLP layers get no adapter.

    ## What it checks
    The base model is a causal language model whose MLP has linear layers, and the targets reach
    attention but none of them.

    - Not checked: classifiers, mixtures of experts (LL403), targets that PEFT picks (LL408).
    - An info, because the MLP's adapters cost memory.

    ## Why it matters
    Three laboratories measured that the MLP matters more. In LoRA Without Regret attention-only at
    r=256 does worse than MLP-only at r=128 with as many parameters, and attention adds nothing to
    the MLP. QLoRA needed all linear layers to match full fine-tuning. In PEFT's comparison MLP-only
    at r=10 solves 49.4 % of GSM8K, q and v at r=32 with as many parameters 47.8 %; but q and v with
    rsLoRA at r=64 solve 51.3 %. 287 of 309 official recipes name layers of the MLP.

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
    if targeted.written is None or targeted.refused or targeted.parameters or inventory.has_experts:
        return  # PEFT's own choice is LL408's to tell
    if not inventory.class_name.endswith(("CausalLM", "LMHeadModel")):
        return
    if task_type not in (None, "CAUSAL_LM"):
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
