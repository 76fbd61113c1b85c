"""Rule LL401, attention-only-targets."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import BIDERMAN_2024, DETTMERS_2023, SCHULMAN_2025

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


@rule(
    "LL401",
    Severity.INFO,
    evidence=[
        SCHULMAN_2025.says(
            "With lora_alpha=32 fixed the best learning rate moves less than twofold from "
            "r=4 to r=512; lora_alpha x learning rate sets the early slope."
        ),
        BIDERMAN_2024.says(
            "Halved the learning rate at r=256 with lora_alpha=512 because of loss "
            "spikes; recommends LoRA for instruction tuning, not for continued "
            "pretraining."
        ),
        DETTMERS_2023.says(
            "lora_alpha=16 fixed with r=64; rank does not matter once all linear layers "
            "are adapted; NF4 with double quantization takes 4.127 bits a parameter and "
            "keeps 16-bit quality."
        ),
    ],
)
def attention_only_targets(targeted: Targeted, task_type: str | None = None) -> Iterator[Problem]:
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
