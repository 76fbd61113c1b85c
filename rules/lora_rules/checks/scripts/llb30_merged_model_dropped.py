"""Rule LLB30, merged-model-dropped."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.adapters import adapter_changes, only
from lora_rules.checks.scripts.calls import has_effect
from lora_rules.engine.effects import REMOVES, SAVES
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Span

_MERGES = (".merge_and_unload", ".unload")


@rule(
    "LLB30",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "After `model.merge_and_unload()` as a statement, `model.save_pretrained` writes an "
            "adapter file with 0 tensors."
        )
    ],
    calls=("merge_and_unload", "unload"),
)
def merged_model_dropped(program: Program) -> Iterator[Problem]:
    """The merged model is dropped, and the emptied PeftModel is saved.

    ## What it checks
    `save_pretrained` or `push_to_hub` of a PeftModel after `merge_and_unload()` or `unload()` was
    called on it, on every way to that line, and nothing gave it an adapter again.

    ## Why it matters
    Both return the model without PEFT's wrapper, and take the adapter out of the one that they are
    called on. That one is still a PeftModel, and saves an adapter: `adapter_config.json` and a file
    with 0 tensors. Nothing raises, and what was trained is neither in an adapter nor in a model.

    ## Bad
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter")
    model.merge_and_unload()  # LLB30: model.merge_and_unload()
    model.save_pretrained("merged")
    ```

    ## Good
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter")
    model = model.merge_and_unload()
    model.save_pretrained("merged")
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    reported: set[Span] = set()
    for save in program.calls:
        model = save.on
        if model is None or model.part or not model.wrapped or not has_effect(save, SAVES):
            continue
        for merge in only(adapter_changes(program.calls, save, ""), REMOVES):
            if merge.name not in _MERGES or merge.span in reported:
                continue
            reported.add(merge.span)
            yield Problem(
                merge.span,
                f"{merge.name[1:]}() returns the model; the PeftModel that is saved at line "
                f"{save.span.line} is left without an adapter: 0 tensors are written.",
                help=f"Save what it returns: model = model{merge.name}(). An adapter is saved "
                "before it is merged.",
                also=(save.span,),
            )
