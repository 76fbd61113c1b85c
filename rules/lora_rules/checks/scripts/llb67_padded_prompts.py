"""Rule LLB67, padded-prompts."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument, base_load
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PADDED_PROMPT_ISSUES, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_PADS = (True, "longest", "max_length")
_IDS = ("__call__()", '__call__()["input_ids"]', "__call__().input_ids")


@rule(
    "LLB67",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "The next token after a right-padded prompt is taken at the padding; without "
            "attention_mask a left-padded prompt gives other logits."
        ),
        PADDED_PROMPT_ISSUES.says(
            "Batches gave nonsense where single prompts did not, until the padding was on the left "
            "or the mask was passed."
        ),
    ],
    of_records=True,
    calls=("generate",),
)
def padded_prompts(program: Program) -> Iterator[Problem]:
    """A batch of padded prompts generates behind its padding, or takes it for text.

    ## What it checks
    `generate` of a causal model gets the ids of several prompts that are padded together.

    - The tokenizer is told to pad on the right.
    - `input_ids` are given, and no `attention_mask`.
    - Left out: a single prompt, or one that may be.

    ## Why it matters
    Generation goes on at the last position. On the right that is padding for every prompt but the
    longest. Without a mask the padding is read as text, unless the model's own configuration names
    the padding token, and another than the end token. Prompts alone answer well, and in a batch
    they do not.

    ## Bad
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B", padding_side="right")
    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter").eval()
    batch = tokenizer(["Hi", "Tell me a story."], padding=True, return_tensors="pt")
    out = model.generate(**batch, max_new_tokens=50)  # LLB67
    ```

    ## Good
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B", padding_side="left")
    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter").eval()
    batch = tokenizer(["Hi", "Tell me a story."], padding=True, return_tensors="pt")
    out = model.generate(**batch, max_new_tokens=50)
    ```

    ## When to ignore it
    When all prompts have one length.

    ## Options
    None.
    """
    calls = program.calls
    for call in calls.named(".generate"):
        load = base_load(calls, call.on)
        if load is None or not _is_causal(load):
            continue
        role = next((name for name in ("input_ids", "**", "0") if name in call.things), "")
        ids = call.things.get(role)
        if ids is None or ids.part not in _IDS:
            continue
        padding = _padding(calls, call, Thing(ids.number))
        if padding is None:
            continue
        if _pads_right(calls, padding):
            yield Problem(
                call.span,
                f"the prompts of line {padding.span.line} are padded on the right: all but the "
                "longest go on behind their padding.",
                help='Set tokenizer.padding_side = "left" to generate.',
                also=(padding.span,),
            )
        elif role != "**" and call.complete and not _has_mask(call):
            yield Problem(
                call.span,
                f"the prompts of line {padding.span.line} are padded, and no attention_mask is "
                "given: unless the model's own configuration names the padding token, padding "
                "counts as text.",
                help="Pass attention_mask too: generate(**batch, ...).",
                also=(padding.span,),
            )
        else:
            continue
        return


def _is_causal(load: Call) -> bool:
    return "ForCausalLM" in load.name or "LMHeadModel" in load.name


def _has_mask(call: Call) -> bool:
    return "attention_mask" in call.arguments or "attention_mask" in call.things


def _padding(calls: Calls, generation: Call, tokenizer: Thing) -> Call | None:
    """The call that padded these prompts: the last before, and certainly of several."""
    end = calls.position(generation)
    before = [
        call
        for call in calls.touching(tokenizer)
        if call.name == ".__call__" and call.on == tokenizer and calls.position(call) < end
    ]
    last = before[-1] if before else None
    if last is None or not last.certain_after(generation):
        return None
    return last if argument(last, "padding", False) in _PADS and _is_batch(last) else None


def _is_batch(call: Call) -> bool:
    """Whether several texts are certainly tokenized: a list, or a slice of one."""
    text = call.arguments.get("0") or call.arguments.get("text")
    if text is not None and text.known:
        return isinstance(text.value, list | tuple) and len(text.value) > 1
    thing = call.things.get("0") or call.things.get("text")
    return thing is not None and thing.part.endswith("[:]")


def _pads_right(calls: Calls, padding: Call) -> bool:
    """Whether the tokenizer certainly pads on the right at this call."""
    assert padding.on is not None  # noqa: S101
    own = argument(padding, "padding_side", None)
    if own is not None:
        return own == "right"
    places = calls.places(_sets_side, padding.on)
    before = [calls[place] for place in places if place < calls.position(padding)]
    if before:
        value = before[-1].arguments.get("value")
        known = value is not None and value.known and value.value == "right"
        return known and before[-1].certain_after(padding)
    load = calls.maker(padding.on)
    return load is not None and argument(load, "padding_side", None) == "right"


def _sets_side(call: Call, tokenizer: Thing) -> bool:
    return call.name == "=padding_side" and call.on == tokenizer
