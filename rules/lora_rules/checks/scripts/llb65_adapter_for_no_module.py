"""Rule LLB65, adapter-for-no-module."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import is_adapter_load
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import ENGINE_ADAPTER_ISSUES, SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call

_ENGINES = {
    "vllm.LLM": "Give LLM enable_lora=True, and generate a LoRARequest with the adapter's folder.",
    "transformers.pipeline": "Load the adapter onto the model, and give the pipeline that.",
    "llama_cpp.Llama": "Give Llama lora_path, with the adapter as GGUF.",
    "ctransformers.AutoModelForCausalLM.from_pretrained": "Give it lora, with the adapter as GGUF.",
}
_OF_DIFFUSERS = "Load a diffusion adapter with load_lora_weights, or wrap one of its models."
_OF_TRANSFORMERS = "Give it the model."
_NO_MODELS = ("Tokenizer", "TokenizerFast", "Processor", "Config", "FeatureExtractor")


@rule(
    "LLB65",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "get_peft_model and PeftModel.from_pretrained raise AttributeError for an object that "
            "is no torch module: they go through named_modules()."
        ),
        ENGINE_ADAPTER_ISSUES.says("vLLM's LLM takes adapters as LoRARequest."),
    ],
    of_records=True,
    calls=("LLM", "pipeline", "Llama", "from_pretrained"),
)
def adapter_for_no_module(program: Program) -> Iterator[Problem]:
    """An adapter is put onto something that is no model of PyTorch's.

    ## What it checks
    `get_peft_model` or `PeftModel.from_pretrained` is given an engine (vLLM's `LLM`, `Llama` of
    llama.cpp), a pipeline, a tokenizer, a processor or a configuration.

    ## Why it matters
    PEFT goes through `named_modules()` of what it is given, and replaces layers there. An engine
    has its weights in kernels of its own and has no such method: AttributeError.

    ## Bad
    ```python
    from peft import PeftModel
    from vllm import LLM

    llm = LLM("Qwen/Qwen2.5-0.5B")
    llm = PeftModel.from_pretrained(llm, "my-adapter")  # LLB65
    ```

    ## Good
    ```python
    from vllm import LLM, SamplingParams
    from vllm.lora.request import LoRARequest

    llm = LLM("Qwen/Qwen2.5-0.5B", enable_lora=True)
    llm.generate("Hello", SamplingParams(), lora_request=LoRARequest("mine", 1, "my-adapter"))
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    for call in [*calls.named("peft.get_peft_model"), *calls.last_named("from_pretrained")]:
        if call.name != "peft.get_peft_model" and not is_adapter_load(call):
            continue
        made = calls.maker(call.things.get("model"))
        advice = _advice(made) if made is not None else ""
        if made is not None and advice and made.certain_after(call):
            yield Problem(
                call.span,
                f"the model is {made.name.removesuffix('.from_pretrained')}'s of line "
                f"{made.span.line}, which is no torch module: PEFT raises AttributeError.",
                help=advice,
                also=(made.span,),
            )


def _advice(made: Call) -> str:
    """What to do instead, where a call makes no module."""
    owner, _, method = made.name.rpartition(".")
    if made.name in _ENGINES:
        return _ENGINES[made.name]
    if method != "from_pretrained":
        return ""
    if owner.startswith("diffusers.") and owner.endswith("Pipeline"):
        return _OF_DIFFUSERS
    return _OF_TRANSFORMERS if owner.endswith(_NO_MODELS) and "." in owner else ""
