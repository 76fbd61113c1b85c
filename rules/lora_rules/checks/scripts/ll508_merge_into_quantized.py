"""Rule LL508, merge-into-quantized."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    base_load,
    first_argument,
    quantized,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import OLD_PEFT_ISSUES, PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.facts.model.checkpoint_quantization import Checkpoint, checkpoint_quantization
from lora_rules.program import Program
from lora_rules.recipe import Call, Thing
from lora_rules.repository import Repository


@rule(
    "LL508",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "After merge_and_unload into a 4-bit base the loss differs; PEFT warns of rounding "
            "errors."
        ),
        PEFT_SOURCE.says("Merging into GPTQ raises ValueError, into AWQ NotImplementedError."),
        OLD_PEFT_ISSUES.says(
            "Cannot merge LORA layers when the model is loaded in 8-bit mode, said of 4 bits too."
        ),
    ],
    calls=("merge_and_unload",),
)
def merge_into_quantized(
    program: Program, repository: Repository, pinned_peft: VersionRange = ANY
) -> Iterator[Problem]:
    """The adapter is merged into a quantized base.

    ## What it checks
    `merge_and_unload()` on a model that is certainly loaded in 4 or 8 bits.

    - The same on a checkpoint that is stored as GPTQ or AWQ: an error where its `config.json` says
      so, a warning where its name does.
    - An error where PEFT is pinned below 0.6, which refuses.
    - Not checked: a model that is dequantized first.

    ## Why it matters
    The weights are dequantized, the adapter is added, and the sum is rounded to 4 or 8 bits again.
    In a layer of normal weights in NF4, a change of a tenth of their standard deviation keeps 84 %
    of its size, one of a twentieth 28 %, and one of a hundredth 2 %. PEFT warns of "rounding
    errors": the merged model answers differently from the one that was evaluated.
    Into GPTQ and AWQ it does not merge at all: it raises. PEFT below 0.6 raises ValueError for any
    base in 4 or 8 bits.

    ## Bad
    ```python
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    base = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    model = PeftModel.from_pretrained(base, "my-adapter")
    model = model.merge_and_unload()  # LL508: model.merge_and_unload()
    ```

    ## Good
    ```python
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(base, "my-adapter")
    model = model.merge_and_unload()
    ```

    ## When to ignore it
    When the merged model is measured, and good enough.

    ## Options
    None.
    """
    calls = program.calls
    for call in calls.named(".merge_and_unload"):
        load = base_load(calls, call.on)
        if load is None or not load.certain_after(call):
            continue
        if quantized(calls, load) is None:
            yield from _into_stored(call, load, repository)
            continue
        if call.on is not None and not calls.places(_dequantizes, call.on):
            if pinned_peft.certainly_below("0.6"):
                yield _refused(call, load)
                continue
            yield Problem(
                call.span,
                f"the base is quantized (line {load.span.line}): merging rounds the sum to its few "
                "bits again, and part of what was trained is lost.",
                help="Load the base in 16 bits, load the adapter onto it, and merge there.",
                also=(load.span,),
            )


def _refused(merge: Call, load: Call) -> Problem:
    return Problem(
        merge.span,
        f"the base is quantized (line {load.span.line}), and PEFT is pinned below 0.6, which "
        "cannot merge into it: ValueError.",
        severity=Severity.ERROR,
        help="Load the base in 16 bits, load the adapter onto it, and merge there.",
        also=(load.span,),
    )


def _dequantizes(call: Call, model: Thing) -> bool:
    return call.name == ".dequantize" and call.on == model


def _into_stored(merge: Call, load: Call, repository: Repository) -> Iterator[Problem]:
    """PEFT has no way to merge into what these checkpoints hold."""
    name = first_argument(load, "pretrained_model_name_or_path")
    if not isinstance(name, str) or "quantization_config" in {**load.arguments, **load.things}:
        return
    stored: Checkpoint = checkpoint_quantization(name, repository)
    if stored.method not in ("gptq", "awq"):
        return
    known = "its config.json says" if stored.certain else "its name says"
    yield Problem(
        merge.span,
        f"the base is stored as {stored.method.upper()} ({known}, line {load.span.line}): PEFT "
        "cannot merge into it, and raises.",
        severity=Severity.ERROR if stored.certain else Severity.WARNING,
        help="Load the 16-bit model, load the adapter onto it, and merge there.",
        also=(load.span,),
    )
