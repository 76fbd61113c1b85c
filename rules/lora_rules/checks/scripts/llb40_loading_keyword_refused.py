"""Rule LLB40, loading-keyword-refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lora_rules.checks.scripts.calls import has_own_code, is_loaded_model
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import TRANSFORMERS_SOURCE
from lora_rules.program import Program
from lora_rules.recipe import Call, Setting


class Refused(NamedTuple):
    """A keyword that from_pretrained passes on to the model's constructor, which has none."""

    help: str
    since: str = ""
    """The first version that does not take it out; empty: none ever did."""


_OF_TOKENIZER = Refused("Give it to the tokenizer's from_pretrained.")
_OF_ADAPTER = Refused("Give it to get_peft_model, or to TRL's trainer as peft_config.")
_OF_QUANTIZATION = Refused("Put it into BitsAndBytesConfig, as quantization_config.", "5")
REFUSED: Mapping[str, Refused] = {
    "peft_config": _OF_ADAPTER,
    "lora_config": _OF_ADAPTER,
    "is_trainable": Refused("Give it to PeftModel.from_pretrained, which loads the adapter."),
    "tokenizer": Refused("Give it to the trainer, as processing_class."),
    "padding_side": _OF_TOKENIZER,
    "use_fast": _OF_TOKENIZER,
    "max_seq_length": Refused("Give it to TRL's configuration, as max_length."),
    "use_flash_attention_2": Refused('Write attn_implementation="flash_attention_2".', "5"),
    "use_auth_token": Refused("Write token.", "5"),
    "resume_download": Refused("Remove it: downloads are always resumed.", "5"),
    "bnb_4bit_compute_dtype": _OF_QUANTIZATION,
    "bnb_4bit_quant_type": _OF_QUANTIZATION,
    "bnb_4bit_use_double_quant": _OF_QUANTIZATION,
    "llm_int8_threshold": _OF_QUANTIZATION,
    "llm_int8_enable_fp32_cpu_offload": _OF_QUANTIZATION,
}
TAKEN = (
    "torch_dtype",
    "device_map",
    "quantization_config",
    "attn_implementation",
    "trust_remote_code",
    "low_cpu_mem_usage",
    "use_safetensors",
    "local_files_only",
    "ignore_mismatched_sizes",
    "offload_folder",
    "cache_dir",
)
"""Keywords of from_pretrained itself: what is nearly one of these is a slip."""
ATTENTION = (
    "eager",
    "sdpa",
    "flash_attention_2",
    "flash_attention_3",
    "flash_attention_4",
    "flex_attention",
)
_BITS = ("1", "2", "3", "4", "5", "6", "7", "8", "16", "32", "64")
DTYPES = frozenset(
    ["auto", "bfloat16", "float16", "float32", "float64", "half", "float", "double", "bool"]
    + ["long", "int", "short", "complex32", "complex64", "complex128", "chalf", "cfloat"]
    + [f"{kind}{bits}" for kind in ("int", "uint") for bits in _BITS]
)
"""Types of torch by name; those of eight bits and fewer begin with ``float8`` and ``float4``."""
OTHERS = frozenset({"offload_state_dict", "offload_buffers", "use_cache", "dtype"})
"""Near one of those, and something else."""


@rule(
    "LLB40",
    Severity.ERROR,
    evidence=[
        TRANSFORMERS_SOURCE.says(
            "from_pretrained hands what is neither its own keyword nor one of the "
            "configuration's to the model's constructor."
        )
    ],
    of_records=True,
)
def loading_keyword_refused(
    program: Program, pinned_transformers: VersionRange = ANY
) -> Iterator[Problem]:
    """`from_pretrained` of a model is given a keyword that belongs elsewhere, or a misspelt one.

    ## What it checks
    The keywords of `from_pretrained` of transformers' models.

    - An error for what no version takes: `peft_config`, `tokenizer`, `is_trainable`,
      `padding_side`, `max_seq_length`, and slips such as `torch_dtpye`.
    - What transformers 5 no longer takes (`use_flash_attention_2`, `use_auth_token`,
      `bnb_4bit_quant_type`) is an error where 5 is pinned, and a warning where nothing is.
    - An error for an `attn_implementation` that is none of transformers' own, nor a kernel of the
      hub, and for a `dtype` that torch does not have (`"fp16"`).
    - Silent with `trust_remote_code`, and for classes of the file or of Unsloth.

    ## Why it matters
    The model's constructor raises TypeError, once the checkpoint has been downloaded. A
    `peft_config` there makes no adapter.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B",
        dtype="bfloat16",
        peft_config=lora,  # LLB40: lora
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", dtype="bfloat16")
    model = get_peft_model(model, lora)
    ```

    ## When to ignore it
    When the model's own class takes the keyword.

    ## Options
    None.
    """
    for call in program.calls.last_named("from_pretrained"):
        if not is_loaded_model(call) or has_own_code(call):
            continue
        yield from _values(call, program)
        for name in call.arguments:
            refused = REFUSED.get(name) or _slip(name)
            if refused is None or (refused.since and _takes(pinned_transformers, refused.since)):
                continue
            certain = not refused.since or pinned_transformers.certainly_at_least(refused.since)
            since = f" of transformers {refused.since}" if refused.since else ""
            yield Problem(
                call.arguments[name].span or call.span,
                f"from_pretrained{since} does not take {name} and hands it to the model's "
                "constructor: TypeError.",
                severity=None if certain else Severity.WARNING,
                help=refused.help,
            )


def _takes(pin: VersionRange, since: str) -> bool:
    return pin.at_commit or pin.certainly_below(since)


def _slip(name: str) -> Refused | None:
    if name in TAKEN or name in OTHERS or len(name) < 6:
        return None
    from difflib import get_close_matches  # imported here: most keywords are known by their name

    near = get_close_matches(name, TAKEN, 1, 0.88)
    return Refused(f"Did you mean {near[0]}?") if near else None


def _values(load: Call, program: Program) -> Iterator[Problem]:
    """Words for attention and for types that there are not."""
    attention = load.arguments.get("attn_implementation")
    registered = bool(program.calls.last_named("register"))
    if attention is not None and _all_words(attention, _is_no_attention) and not registered:
        yield Problem(
            attention.span or load.span,
            f"transformers has no attn_implementation {attention.candidates[0]!r}: ValueError.",
            help=f"Write one of {', '.join(ATTENTION)}.",
        )
    for name in ("dtype", "torch_dtype"):
        dtype = load.arguments.get(name)
        if dtype is not None and _all_words(dtype, _is_no_dtype):
            yield Problem(
                dtype.span or load.span,
                f"torch has no {name} {dtype.candidates[0]!r}: the model is not loaded.",
                help="Write bfloat16, float16, float32 or auto.",
            )


def _all_words(setting: Setting, wrong: Callable[[str], bool]) -> bool:
    given = setting.candidates
    if setting.overridable or not given:
        return False
    return all(isinstance(each, str) and wrong(each) for each in given)


def _is_no_attention(word: str) -> bool:
    return word not in ATTENTION and "/" not in word and not word.startswith("paged|")


def _is_no_dtype(word: str) -> bool:
    return word not in DTYPES and not word.startswith(("float8", "float4", "torch.", "bits", "q"))
