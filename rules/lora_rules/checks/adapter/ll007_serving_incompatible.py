"""Rule LL007, serving-incompatible."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Absent, Known, Value, elements_of
from lora_rules.evidence import VLLM_SOURCE


@rule(
    "LL007",
    Severity.WARNING,
    evidence=[
        VLLM_SOURCE.says(
            "Loading raises ValueError for modules_to_save, for DoRA, for a bias that is not none "
            "and for a rank above max_lora_rank, which is 16 by default."
        ),
    ],
    of_records=True,
)
def serving_incompatible(
    serve: str,
    r: Value,
    modules_to_save: Value,
    use_dora: Value,
    bias: Value,
    served_rank: Value,
    *,
    max_lora_rank: int = 16,
) -> Iterator[Problem]:
    """The adapter cannot be served by the engine that was declared.

    ## What it checks
    With `# lora-lint: serve=vllm` (or `serve = "vllm"` in the settings): `modules_to_save`, a
    `bias` other than "none", `use_dora`, or an `r` above `max_lora_rank`.

    - `LLM(enable_lora=True, max_lora_rank=...)` of vLLM in the same file declares the same, where
      every `LoRARequest` names a folder that the file saves into.

    ## Why it matters
    vLLM raises ValueError when it loads such an adapter. Its `max_lora_rank` is 16 unless the
    server is started with another one. An adapter that is merged into the base model is not
    concerned.

    ## Bad
    ```python
    # lora-lint: serve=vllm
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=64)  # LL007: 64
    ```

    ## Good
    ```python
    # lora-lint: serve=vllm
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## When to ignore it
    When the adapter is merged before it is served.

    ## Options
    - `max_lora_rank` (16): what the server is started with, where the file does not say it.
    """
    if serve.lower() != "vllm":
        return
    limit = _limit(served_rank, max_lora_rank)
    if isinstance(r, Known) and isinstance(r.value, int) and limit is not None and r.value > limit:
        yield Problem(
            "r",
            f"r = {r.value} is above vLLM's max_lora_rank of {limit}.",
            help=f"Start the server with --max-lora-rank {r.value} (LLM: max_lora_rank={r.value})"
            f"{', and set the option to match' if isinstance(served_rank, Absent) else ''}.",
        )
    for name, refused in (
        ("modules_to_save", _is_on(modules_to_save)),
        ("use_dora", _is_on(use_dora)),
        ("bias", isinstance(bias, Known) and bias.value in ("all", "lora_only")),
    ):
        if refused:
            yield Problem(
                name, f"vLLM refuses adapters with {name}.", help="Merge the adapter, or drop it."
            )


def _limit(served_rank: Value, option: int) -> int | None:
    """The highest rank that is served, if it is known: the script's own word, else the option."""
    if isinstance(served_rank, Absent):
        return option
    limit = served_rank.value if isinstance(served_rank, Known) else None
    return limit if isinstance(limit, int) else None


def _is_on(value: Value) -> bool:
    """Whether it is certainly switched on, or not empty."""
    return bool(elements_of(value)) or (isinstance(value, Known) and bool(value.value))
