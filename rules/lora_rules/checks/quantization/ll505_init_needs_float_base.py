"""Rule LL505, init-needs-float-base."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.model.checkpoint_quantization import Checkpoint

FLOAT_ONLY = ("pissa", "corda", "mica", "orthogonal")
"""Methods that PEFT refuses on quantized layers."""
NO_WEIGHT = ("gptq", "awq", "bitsandbytes")
"""Checkpoints whose linear layers hold no floating-point weight, whatever loads them."""


@rule(
    "LL505",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "PiSSA, CorDA and MiCA raise TypeError and orthogonal RuntimeError over weights in "
            "4 and 8 bits; LoftQ decomposes the stored bytes."
        ),
    ],
)
def init_needs_float_base(
    framework: Behaviour,
    init_lora_weights: str,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
    checkpoint_quantization: Checkpoint | None = None,
) -> Iterator[Problem]:
    """An initialisation that reads the base weights, over quantized ones.

    ## What it checks
    `init_lora_weights` needs the weights of the base model, which is loaded in 4 or 8 bits,
    or stored so.

    - PiSSA, CorDA, MiCA and orthogonal: an error.
    - Over a checkpoint that is stored as GPTQ, AWQ or by bitsandbytes: an error where its
      `config.json` says so, a warning where its name does.
    - LoftQ, which quantizes a full-precision model itself: an error over 4 bits, a warning over 8.

    ## Why it matters
    The method decomposes or changes the base weight. PEFT raises for a weight that is not a
    floating-point tensor, and layers of GPTQ and AWQ have no weight at all. LoftQ decomposes the
    stored bytes instead: over 4 bits its matrices have the shape of the packed bytes, and the first
    forward pass raises; over 8 bits they correct numbers that lack their scale.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    bits = BitsAndBytesConfig(load_in_8bit=True)
    model = AutoModelForCausalLM.from_pretrained("my-org/my-model", quantization_config=bits)
    config = LoraConfig(r=16, lora_alpha=32, init_lora_weights="pissa")  # LL505: "pissa"
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    bits = BitsAndBytesConfig(load_in_8bit=True)
    model = AutoModelForCausalLM.from_pretrained("my-org/my-model", quantization_config=bits)
    config = LoraConfig(r=16, lora_alpha=32, init_lora_weights="olora")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When the script puts other matrices into the adapter before it trains.

    ## Options
    None.
    """
    method = init_lora_weights.lower()
    raises = _who_raises(framework)
    if not (load_in_4bit or load_in_8bit):
        if raises and method.startswith(FLOAT_ONLY) and checkpoint_quantization is not None:
            yield from _over_checkpoint(init_lora_weights, checkpoint_quantization, raises)
        return
    if not framework.adapter_as_written:
        return
    width = "4" if load_in_4bit else "8"
    if method.startswith(FLOAT_ONLY):
        yield Problem(
            "init_lora_weights",
            f'init_lora_weights="{init_lora_weights}" over a model in {width} bits: PEFT raises.',
            help='Leave it out (True), or take "olora" or "gaussian".',
            also=("load_in_4bit" if load_in_4bit else "load_in_8bit",),
            edits=(Set("init_lora_weights", True),),
        )
    elif method == "loftq":
        yield Problem(
            "init_lora_weights",
            f"LoftQ over a model that is already in {width} bits decomposes the stored bytes"
            + (": the first forward pass raises." if load_in_4bit else ", not the weights."),
            severity=Severity.ERROR if load_in_4bit else Severity.WARNING,
            help="Load the model without quantization; LoftQ quantizes it.",
        )


def _who_raises(framework: Behaviour) -> str:
    """Who refuses such an initialisation over a quantized checkpoint; empty if nobody is known."""
    if framework.refuses_init_over_quantized:
        return framework.label
    return "PEFT" if framework.adapter_as_written else ""


def _over_checkpoint(method: str, stored: Checkpoint, raises: str) -> Iterator[Problem]:
    if stored.method not in NO_WEIGHT:
        return
    known = "its config.json says" if stored.certain else "its name says"
    yield Problem(
        "init_lora_weights",
        f'init_lora_weights="{method}" over a base model that is stored as '
        f"{stored.method.upper()} ({known}): {raises} raises.",
        severity=Severity.ERROR if stored.certain else Severity.WARNING,
        help="Name the 16-bit model, or leave the initialisation out (True).",
        also=("model_name_or_path",),
        edits=(Set("init_lora_weights", True),),
    )
