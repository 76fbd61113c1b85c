"""Rule LLB38, base-weights-after-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument_is, has_effect, of, same_argument
from lora_rules.engine.effects import ADDS, REMOVES
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Setting, Span, Thing

_FILES = ("torch.load", "safetensors.torch.load_file")
_PATH = ("f", "filename", "path", "0")
_WEIGHTS = ("pytorch_model.bin", "model.safetensors")
"""What a base model's weights are called on the hub; an adapter's begin with ``adapter_``."""


@rule(
    "LLB38",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "load_state_dict(base.state_dict(), strict=False) after get_peft_model leaves all of a "
            "PeftModel, or the adapted layers of its base, as they were; strict raises."
        ),
        PEFT_SOURCE.says(
            "set_base_model_state_dict takes the names that a base model has without PEFT."
        ),
    ],
    calls=("load_state_dict",),
)
def base_weights_after_adapter(program: Program) -> Iterator[Problem]:
    """Weights of the base are loaded after the adapter was added, and do not arrive.

    ## What it checks
    `load_state_dict` on a model that `get_peft_model` has changed, with weights that are certainly
    of a model without LoRA: another model's `state_dict()`, what was saved of this one before, or
    a file that is downloaded as a base model's weights.

    - An error with `strict` on, a warning with `strict=False`.
    - Not checked: a checkpoint of which nothing is known, which may have been saved with LoRA.

    ## Why it matters
    PEFT puts a wrapper in the place of each adapted layer: `q_proj.weight` is called
    `q_proj.base_layer.weight` afterwards, and all names of a PeftModel begin with
    `base_model.model.`. With `strict=False` nothing raises where no name fits, and the layers keep
    the weights that they had.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    teacher = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    student = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained("Qwen/Qwen2.5-0.5B"))
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(student, lora)
    student.load_state_dict(teacher.state_dict(), strict=False)  # LLB38
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    teacher = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    student = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained("Qwen/Qwen2.5-0.5B"))
    student.load_state_dict(teacher.state_dict())
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(student, lora)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    reported: set[Span] = set()
    for load in calls.named(".load_state_dict"):
        wraps = _wraps_before(calls, load, "")
        state = load.things.get("state_dict") or load.things.get("0")
        if not wraps or state is None or load.on is None or load.span in reported:
            continue
        strict = load.arguments.get("strict") or load.arguments.get("1")
        problem = _problem(calls, load, load.on, state, strict)
        if problem is not None:
            reported.add(load.span)
            yield problem._replace(also=(wraps[0].span,))


def _problem(
    calls: Calls, load: Call, model: Thing, state: Thing, strict: Setting | None
) -> Problem | None:
    loose = argument_is(strict, value=False)
    tight = argument_is(strict, value=True) or (strict is None and load.complete)
    if not (loose or tight) or not _is_of_a_base(calls, load, model, state):
        return None
    what = "nothing is loaded into them" if loose else "loading raises RuntimeError"
    return Problem(
        load.span,
        "these are the names of a model without LoRA: those of the adapted layers end in "
        f"base_layer.weight now, and {what}.",
        severity=None if loose else Severity.ERROR,
        help=_HELP,
    )


_HELP = "Load it before get_peft_model, or with peft.set_base_model_state_dict."


def _wraps_before(calls: Calls, call: Call, role: str) -> list[Call]:
    """Where the model, or a part of it, has certainly got its adapter before a call."""
    found = calls.last(call.histories.get(role), _changes)
    wraps = [each for each in found if each is not None and has_effect(each, ADDS)]
    return wraps if len(wraps) == len(found) else []


def _changes(call: Call, model: Thing) -> bool:
    if not has_effect(call, ADDS, REMOVES):
        return False
    return of(call, model) or (call.made is not None and call.made.number == model.number)


def _is_of_a_base(calls: Calls, load: Call, model: Thing, state: Thing) -> bool:
    """Whether weights are certainly those of a model without LoRA."""
    if state.number == model.number:
        return False
    if state.part == "state_dict()":
        other = Thing(state.number)
        return calls.maker(other) is not None and not calls.places(_changes, other)
    source = calls.maker(Thing(state.number))
    if source is None or state.part not in ("", "[]"):
        return False
    if source.name == "torch.hub.load_state_dict_from_url":
        return True
    if source.name not in _FILES:
        return False
    return _is_downloaded(calls, source) or _was_saved_before(calls, source, load, model)


def _is_downloaded(calls: Calls, source: Call) -> bool:
    """Whether a file is what the hub has as a base model's weights."""
    download = calls.maker(next((source.things[n] for n in _PATH if n in source.things), None))
    if download is None or not download.name.endswith("hf_hub_download"):
        return False
    names = [download.arguments[name] for name in ("filename", "1") if name in download.arguments]
    return any(argument_is(name, value) for name in names for value in _WEIGHTS)


def _was_saved_before(calls: Calls, source: Call, load: Call, model: Thing) -> bool:
    """Whether the script saved this model's own weights there before it had an adapter."""
    for save in calls.named("torch.save"):
        saved = save.things.get("0") or save.things.get("obj")
        if saved is None or saved.number != model.number or not saved.part.endswith("state_dict()"):
            continue
        role = "0" if "0" in save.things else "obj"
        before = calls.last(save.histories.get(role), _changes)
        if before == [None] and same_argument(save, ("f", "1"), source, _PATH):
            return calls.position(save) < calls.position(load)
    return False
