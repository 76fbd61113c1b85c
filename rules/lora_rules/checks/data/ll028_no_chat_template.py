"""Rule LL028, no-chat-template."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument, first_argument, is_unknown
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import BASE_TEMPLATE_ISSUES, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_WITHOUT = frozenset(
    [
        "meta-llama/llama-2-7b-hf",
        "meta-llama/llama-2-13b-hf",
        "meta-llama/llama-2-70b-hf",
        "meta-llama/meta-llama-3-8b",
        "meta-llama/meta-llama-3-70b",
        "meta-llama/meta-llama-3.1-8b",
        "meta-llama/meta-llama-3.1-70b",
        "meta-llama/llama-3.1-8b",
        "meta-llama/llama-3.1-70b",
        "meta-llama/llama-3.2-1b",
        "meta-llama/llama-3.2-3b",
        "huggyllama/llama-7b",
        "huggyllama/llama-13b",
        "mistralai/mistral-7b-v0.1",
        "google/gemma-2-2b",
        "google/gemma-2-9b",
        "google/gemma-2-27b",
        "gpt2",
        "openai-community/gpt2",
        "openai-community/gpt2-medium",
        "openai-community/gpt2-large",
        "openai-community/gpt2-xl",
        "eleutherai/gpt-j-6b",
        "eleutherai/gpt-neo-125m",
        "eleutherai/gpt-neo-1.3b",
        "eleutherai/gpt-neo-2.7b",
        "eleutherai/gpt-neox-20b",
    ]
)
_BEGIN = ("facebook/opt-", "bigscience/bloom-", "eleutherai/pythia-")
"""Base models whose tokenizer has no template, by their ids and how ids of them begin."""
_SET = ("=chat_template",)
_GIVERS = ("setup_chat_format", "clone_chat_template", "get_chat_template")
_NO_DEFAULT = "4.44"


@rule(
    "LL028",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "apply_chat_template raises ValueError where the tokenizer has no chat_template and "
            "none is given."
        ),
        BASE_TEMPLATE_ISSUES.says(
            "Base models of Llama 3, 3.1 and 3.2 and of Gemma 2 come without a template."
        ),
    ],
    of_records=True,
    calls=("apply_chat_template",),
)
def no_chat_template(
    program: Program, pinned_transformers: VersionRange = ANY
) -> Iterator[Problem]:
    """A chat template is applied that the base model's tokenizer does not have.

    ## What it checks
    `apply_chat_template` of a tokenizer that is loaded from a base model known to have none: base
    models of Llama 2 and 3, Mistral 7B v0.1, Gemma 2, Pythia, OPT, BLOOM, GPT-2, GPT-J, GPT-Neo.

    - Left out where a template is given or set, or the tokenizer is handed to other code first.
    - Left out where transformers is pinned below 4.44, which had default templates.

    ## Why it matters
    A template belongs to the tokenizer of a chat model. Without one transformers raises ValueError:
    "tokenizer.chat_template is not set and no template argument was passed".

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoTokenizer

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B")
    text = tokenizer.apply_chat_template(messages(), tokenize=False)  # LL028
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoTokenizer

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B-Instruct")
    text = tokenizer.apply_chat_template(messages(), tokenize=False)
    ```

    ## When to ignore it
    When the name stands for a copy whose tokenizer got a template.

    ## Options
    None.
    """
    calls = program.calls
    if pinned_transformers.certainly_below(_NO_DEFAULT) or calls.makes(_GIVERS):
        return
    certain = not pinned_transformers.bounded or pinned_transformers.certainly_at_least(_NO_DEFAULT)
    seen = set()
    for call in calls.named(".apply_chat_template"):
        load = _tokenizer(calls, call)
        if load is None or call.span in seen or argument(call, "chat_template", None) is not None:
            continue
        seen.add(call.span)
        name = first_argument(load, "pretrained_model_name_or_path")
        yield Problem(
            call.span,
            f"the tokenizer of {name} (line {load.span.line}) has no chat template: ValueError.",
            severity=None if certain else Severity.WARNING,
            help="Take the chat model's tokenizer, or set tokenizer.chat_template.",
            also=(load.span,),
        )


def _tokenizer(calls: Calls, call: Call) -> Call | None:
    """The load of a tokenizer that certainly has no template, of which this is a method."""
    load = calls.maker(call.on) if call.on is not None else None
    if load is None or call.on is None or not load.certain_after(call):
        return None
    owner, _, method = load.name.rpartition(".")
    if method != "from_pretrained" or "Tokenizer" not in owner:
        return None
    if not load.complete or load.arguments.keys() & {"chat_template", "revision"}:
        return None
    name = first_argument(load, "pretrained_model_name_or_path")
    if not isinstance(name, str) or not _is_base(name.lower()):
        return None
    return None if calls.places(_may_set, call.on) else load


def _is_base(name: str) -> bool:
    return name in _WITHOUT or name.startswith(_BEGIN)


def _may_set(call: Call, tokenizer: Thing) -> bool:
    """Whether a call gives the tokenizer a template, or may do anything to it."""
    return (call.name in _SET and call.on == tokenizer) or (
        tokenizer in call.things.values() and is_unknown(call, tokenizer)
    )
