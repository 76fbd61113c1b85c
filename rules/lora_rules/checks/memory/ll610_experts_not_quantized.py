"""Rule LL610, experts-not-quantized."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Add, Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, certainly
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import MEMORY_TRAPS
from lora_rules.recipe import Blocks
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.model.architecture import Architecture

NF4 = 0.5 + 1 / 64 + 4 / 16384
"""Bytes a weight in NF4 with double quantization."""


@rule(
    "LL610",
    Severity.WARNING,
    evidence=[
        MEMORY_TRAPS.says(
            "replace_with_bnb_linear replaces modules whose type is nn.Linear or Conv1D; "
            "transformers 5 holds experts as three-dimensional parameters."
        ),
    ],
)
def experts_not_quantized(
    blocks: Blocks,
    framework: Behaviour,
    architecture: Architecture,
    target_modules: Value,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
    pinned_transformers: VersionRange = ANY,
) -> Iterator[Problem]:
    """A mixture of experts is to be quantized, and its experts stay in 16 bit.

    ## What it checks
    `load_in_4bit` or `load_in_8bit` is on for a model whose experts transformers 5 holds as single
    three-dimensional parameters.

    - Not checked: transformers pinned below 5, axolotl's `quantize_moe_experts`, checkpoints that
      are quantized already, and Unsloth and torchtune, which load models their own way.

    ## Why it matters
    bitsandbytes quantizes modules whose type is exactly `nn.Linear` (`replace_with_bnb_linear`),
    and the experts are none. They are most of the model: a "QLoRA" of Mixtral-8x7B needs 85 GiB for
    its weights, not 23.

    ## Bad
    ```yaml
    base_model: mistralai/Mixtral-8x7B-v0.1
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true  # LL610: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj]
    lora_target_parameters: [mlp.experts.gate_up_proj, mlp.experts.down_proj]
    learning_rate: 2.0e-4
    bf16: true
    ```

    ## Good
    ```yaml
    base_model: mistralai/Mixtral-8x7B-v0.1
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true
    quantize_moe_experts: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj]
    lora_target_parameters: [mlp.experts.gate_up_proj, mlp.experts.down_proj]
    learning_rate: 2.0e-4
    bf16: true
    ```

    ## When to ignore it
    When the run uses transformers 4, whose experts are `nn.Linear` modules.

    ## Options
    None.
    """
    experts = sum(each.parameters for each in architecture.modules.fused_experts)
    if not experts or architecture.prequantized or not (load_in_4bit or load_in_8bit):
        return
    if pinned_transformers.certainly_below("5") or not _quantizes_linears_only(blocks, framework):
        return
    quantizes, instead = framework.quantizes_experts(
        all_linear=certainly(target_modules, "all-linear")
    )
    small = experts * (NF4 if load_in_4bit else 1)
    yield Problem(
        "load_in_4bit" if load_in_4bit else "load_in_8bit",
        f"the experts, {experts / 1e9:.1f} of {architecture.parameters / 1e9:.1f} billion "
        f"parameters, are not quantized: they take {2 * experts / GIB:.1f} GiB and not "
        f"{small / GIB:.1f}.",
        help=instead,
        also=("model_name_or_path",),
        edits=(Add("quantize_moe_experts", True),) if quantizes else (),
    )


def _quantizes_linears_only(blocks: Blocks, framework: Behaviour) -> bool:
    """Whether bitsandbytes through transformers does it, as far as anybody says."""
    from lora_rules.facts.run.written_keys import handed_to, keys_on

    other = handed_to(blocks, framework) or not framework.quantizes_with_bitsandbytes
    return not (other or keys_on(blocks, ("quantize_moe_experts",)))
