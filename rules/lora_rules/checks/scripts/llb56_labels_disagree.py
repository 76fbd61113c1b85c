"""Rule LLB56, labels-disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS, TRANSFORMERS_SOURCE
from lora_rules.program import Program
from lora_rules.recipe import Call

Labels = Mapping[object, object]
_ARGUMENTS = ("num_labels", "id2label", "label2id")


@rule(
    "LLB56",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "from_pretrained with num_labels=3 and an id2label of two gives a head of two outputs "
            "without a word; a label beyond the outputs raises IndexError."
        ),
        TRANSFORMERS_SOURCE.says(
            "PreTrainedConfig.num_labels is the length of id2label, whatever number was given."
        ),
    ],
    calls=(
        "transformers.AutoModelForSequenceClassification",
        "transformers.AutoModelForTokenClassification",
        "transformers.AutoModelForImageClassification",
        "transformers.AutoModelForAudioClassification",
        "transformers.AutoConfig",
    ),
)
def labels_disagree(program: Program) -> Iterator[Problem]:
    """A classifier's `num_labels`, `id2label` and `label2id` say different things.

    ## What it checks
    What `from_pretrained` of a classifier or of `AutoConfig` is given, as far as it is written in
    the file.

    - An error where `num_labels` is not the length of `id2label`.
    - `label2id` is not the inverse of `id2label`, or not as long as `num_labels`.
    - The ids of `id2label` are not 0, 1, 2 and so on.

    ## Why it matters
    The head has as many outputs as `id2label` has entries: transformers 5.24 passes over
    `num_labels` without a word. A label in the data that is no output raises IndexError. Names that
    disagree raise nothing: the data are numbered by the one, and predictions are named by the
    other.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(
        "FacebookAI/roberta-base",
        num_labels=3,
        id2label={0: "negative", 1: "positive"},  # LLB56: {0: "negative", 1: "positive"}
        label2id={"negative": 0, "positive": 1},
    )
    config = LoraConfig(
        r=16, lora_alpha=32, target_modules=["query", "value"], task_type="SEQ_CLS"
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    names = ["negative", "neutral", "positive"]
    model = AutoModelForSequenceClassification.from_pretrained(
        "FacebookAI/roberta-base",
        num_labels=len(names),
        id2label=dict(enumerate(names)),
        label2id={name: number for number, name in enumerate(names)},
    )
    config = LoraConfig(
        r=16, lora_alpha=32, target_modules=["query", "value"], task_type="SEQ_CLS"
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    for call in program.calls.last_named("from_pretrained"):
        if call.name.startswith("transformers."):
            found = _disagreement(call)
            if found is not None:
                yield found


def _disagreement(call: Call) -> Problem | None:
    """The first thing that does not fit, if all of it is written."""
    number = _known(call, "num_labels")
    names, ids = _labels(call, "id2label"), _labels(call, "label2id")
    if names is not None and type(number) is int and number != len(names):
        return _problem(
            call,
            "id2label",
            f"id2label names {len(names)} labels and num_labels is {number}: the head gets "
            f"{len(names)} outputs.",
            severity=Severity.ERROR,
        )
    if names is not None and not _counts(names):
        return _problem(
            call, "id2label", f"its ids are {_some(names)}, and the head's outputs are 0, 1, ..."
        )
    if names is not None and ids is not None and not _are_inverse(names, ids):
        return _problem(
            call, "label2id", "it is not the inverse of id2label: predictions get other names."
        )
    only = ids if "id2label" not in call.arguments else None  # which alone would decide
    if only is not None and type(number) is int and number != len(only):
        return _problem(
            call,
            "label2id",
            f"label2id names {len(only)} labels and num_labels is {number}: the head gets {number} "
            "outputs.",
        )
    return None


def _problem(call: Call, name: str, text: str, severity: Severity | None = None) -> Problem:
    place = call.arguments[name].span
    others = (call.arguments[each].span for each in _ARGUMENTS if each in call.arguments)
    return Problem(
        place or call.span,
        text,
        severity=severity,
        help="Make all of them from one list of names.",
        also=tuple(span for span in others if span is not None and span != place),
    )


def _known(call: Call, name: str) -> object:
    setting = call.arguments.get(name)
    return setting.value if setting is not None and setting.known else None


def _labels(call: Call, name: str) -> Labels | None:
    value = _known(call, name)
    return value if isinstance(value, Mapping) and value else None


def _number(value: object) -> object:
    """A label's id: transformers reads ``"0"`` as 0."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _counts(names: Labels) -> bool:
    """Whether the keys are 0, 1, 2 and so on, in whatever order."""
    return {_number(key) for key in names} == set(range(len(names)))


def _are_inverse(names: Labels, ids: Labels) -> bool:
    forward = {(_number(number), name) for number, name in names.items()}
    return forward == {(_number(number), name) for name, number in ids.items()}


def _some(names: Labels) -> str:
    shown = [repr(key) for key in list(names)[:3]]
    return ", ".join(shown) + (", ..." if len(names) > 3 else "")
