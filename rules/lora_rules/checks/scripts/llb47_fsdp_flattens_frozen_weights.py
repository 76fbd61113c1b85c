"""Rule LLB47, fsdp-flattens-frozen-weights."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.adapters import adapter_changes, only
from lora_rules.checks.scripts.calls import argument, frees
from lora_rules.engine.effects import ADDS
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import FSDP_ISSUES, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call


@rule(
    "LLB47",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "FSDP of torch 2.13 without use_orig_params raises for a model with LoRA, wrapped as a "
            "whole, by layers or by size; with use_orig_params=True it trains."
        ),
        FSDP_ISSUES.says(
            "FlatParameter requires uniform requires_grad: two scripts that wrap a PEFT model by "
            "transformer layers."
        ),
    ],
    calls=("FullyShardedDataParallel",),
)
def fsdp_flattens_frozen_weights(program: Program) -> Iterator[Problem]:
    """FSDP puts frozen and trained weights into one flat parameter, which it refuses.

    ## What it checks
    `FullyShardedDataParallel(model)` without `use_orig_params=True`, around a model that has a LoRA
    adapter, wrapped as a whole or with torch's policies by layer class or by size.

    - Not checked with another policy, such as PEFT's `fsdp_auto_wrap_policy`, and where the script
      frees weights of the base.

    ## Why it matters
    Without `use_orig_params` FSDP flattens all weights of a unit into one parameter, and one
    parameter is trained or is not. A decoder layer holds frozen weights of the base and trained
    ones of LoRA: FSDP raises "Must flatten tensors with uniform `requires_grad`", after the model
    has been loaded on every process.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from torch.distributed.fsdp import FullyShardedDataParallel as FSDP
    from torch.distributed.fsdp.wrap import ModuleWrapPolicy
    from transformers import AutoModelForCausalLM
    from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    policy = ModuleWrapPolicy({Qwen2DecoderLayer})
    model = FSDP(model, auto_wrap_policy=policy)  # LLB47: FSDP(model, auto_wrap_policy=policy)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from torch.distributed.fsdp import FullyShardedDataParallel as FSDP
    from torch.distributed.fsdp.wrap import ModuleWrapPolicy
    from transformers import AutoModelForCausalLM
    from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    policy = ModuleWrapPolicy({Qwen2DecoderLayer})
    model = FSDP(model, auto_wrap_policy=policy, use_orig_params=True)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    for shard in calls.last_named("FullyShardedDataParallel"):
        if not shard.name.startswith("torch.") or argument(shard, "use_orig_params", False):
            continue
        role = "module" if "module" in shard.things else "0"
        model = shard.things.get(role)
        if model is None or model.part or not _mixes(calls, shard):
            continue
        added = only(adapter_changes(calls, shard, role), ADDS)
        if added and not any(calls.any_between(frees, model, each, shard) for each in added):
            yield Problem(
                shard.span,
                "FSDP flattens frozen weights and LoRA's into one parameter, and raises "
                '"Must flatten tensors with uniform requires_grad".',
                help="Set use_orig_params=True.",
                also=tuple(each.span for each in added),
            )


def _mixes(calls: Calls, shard: Call) -> bool:
    """Whether its units certainly hold weights of the base beside LoRA's."""
    given = shard.arguments.keys()
    if given & {"ignored_modules", "ignored_states", "ignored_parameters"} or not shard.complete:
        return False
    if "auto_wrap_policy" not in given:
        return True
    policy = calls.maker(shard.things.get("auto_wrap_policy"))
    if policy is None:
        return False
    by_class = policy.name.endswith(".ModuleWrapPolicy")
    partial = policy.name == "functools.partial"
    return by_class or (partial and bool(policy.arguments.keys() & _OF_WHOLE_LAYERS))


_OF_WHOLE_LAYERS = {"transformer_layer_cls", "min_num_params"}
"""Arguments of ``transformer_auto_wrap_policy`` and ``size_based_auto_wrap_policy``."""
