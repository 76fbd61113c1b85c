"""Rule LLB47, fsdp-flattens-frozen-weights."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.adapters import adapter_changes, only
from lora_rules.checks.scripts.calls import argument, base_load, frees, is_unknown, of
from lora_rules.engine.effects import ADDS
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import FSDP_DTYPE_ISSUES, FSDP_ISSUES, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


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
        FSDP_DTYPE_ISSUES.says("Must flatten tensors with uniform dtype, with LoRA added."),
    ],
    calls=("FullyShardedDataParallel",),
)
def fsdp_flattens_frozen_weights(program: Program) -> Iterator[Problem]:
    """FSDP puts weights of the base and LoRA's into one flat parameter, which it refuses.

    ## What it checks
    `FullyShardedDataParallel(model)` without `use_orig_params=True`, around a model that has a LoRA
    adapter, wrapped as a whole or with torch's policies by layer class or by size.

    - Or with it, where the base is loaded in bfloat16 or float16 and PEFT keeps LoRA in float32,
      which it does unless `autocast_adapter_dtype=False`.
    - Not checked with another policy, such as PEFT's `fsdp_auto_wrap_policy`, and where the script
      frees weights of the base.

    ## Why it matters
    Without `use_orig_params` FSDP flattens all weights of a unit into one parameter, and one
    parameter is trained or is not. A decoder layer holds frozen weights of the base and trained
    ones of LoRA: FSDP raises "Must flatten tensors with uniform `requires_grad`", after the model
    has been loaded on every process. With it the weights of a unit still need one dtype.

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
        role = "module" if "module" in shard.things else "0"
        model = shard.things.get(role)
        if not shard.name.startswith("torch.") or model is None or model.part:
            continue
        added = only(adapter_changes(calls, shard, role), ADDS)
        if not added or not _mixes(calls, shard):
            continue
        also = tuple(each.span for each in added)
        if not argument(shard, "use_orig_params", False):
            if not any(calls.any_between(frees, model, each, shard) for each in added):
                yield Problem(
                    shard.span,
                    "FSDP flattens frozen weights and LoRA's into one parameter, and raises "
                    '"Must flatten tensors with uniform requires_grad".',
                    help="Set use_orig_params=True.",
                    also=also,
                )
        elif all(_keeps_float32(calls, each, shard, model) for each in added):
            yield Problem(
                shard.span,
                "the base is in 16 bits and PEFT keeps LoRA's weights in float32: FSDP flattens "
                'both into one parameter, and raises "Must flatten tensors with uniform dtype".',
                help="Give get_peft_model autocast_adapter_dtype=False.",
                also=also,
            )


def _keeps_float32(calls: Calls, wrap: Call, shard: Call, model: Thing) -> bool:
    """Whether LoRA's weights are certainly float32 on a base that is loaded in 16 bits."""
    load = base_load(calls, wrap.things.get("model"))
    if wrap.name != "peft.get_peft_model" or load is None or not load.certain_after(wrap):
        return False
    if argument(wrap, "autocast_adapter_dtype", True) is not True:
        return False
    dtypes = {argument(load, name, None) for name in ("dtype", "torch_dtype")} - {None}
    half = len(dtypes) == 1 and dtypes <= {"bfloat16", "float16"}
    return half and not calls.any_between(_casts, model, load, shard)


def _casts(call: Call, model: Thing) -> bool:
    """Whether a call may give the model's weights another dtype."""
    if is_unknown(call, model):
        return True
    names = (".to", ".half", ".bfloat16", ".float", ".type")
    return call.name in names and of(call, model)


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
