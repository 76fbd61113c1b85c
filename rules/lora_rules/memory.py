"""Whether a run fits the GPU that was declared for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lora_rules.evidence import DETTMERS_2023, DEVICE_MEMORY, RASCHKA_2023
from lora_rules.recipe import Recipe
from lora_rules.rule import Add, Problem, Severity, rule

if TYPE_CHECKING:
    from lora_rules.facts.footprint import Footprint
    from lora_rules.facts.gpu import Gpu

GIB = 2**30


@rule("LL601", Severity.ERROR, evidence=[DEVICE_MEMORY, DETTMERS_2023, RASCHKA_2023])
def does_not_fit_without_qlora(
    recipe: Recipe, usable_gpu: Gpu, footprint: Footprint
) -> Iterator[Problem]:
    """The run cannot fit the declared GPU in 16 bit, and could with a 4-bit base model.

    ## What it checks
    The base model's weights, the adapter, its gradients and its optimizer states, added up, need
    more than the declared GPU offers, while the same run over an NF4 base model needs less. This
    sum is a lower bound: activations come on top. It is known without weights for the models in
    the packaged table and for a local `config.json`; an unknown model is not judged. No GPU
    declared, no finding. Runs that spread the model (FSDP, DeepSpeed, several GPUs, a
    `device_map`) are left alone.

    ## Why it matters
    The run ends in an out-of-memory error, at the latest at its first long batch. A card offers
    less than the label on its box: an RTX 4090 has 23.5 GiB. The measured case: Llama-2-7B with
    LoRA took 21.3 GB, with QLoRA 14.2 GB. QLoRA costs time: in that measurement 50 % more.

    ## Bad
    ```python
    # lora-lint: gpu=T4
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = "meta-llama/Llama-3.1-8B"
    model = AutoModelForCausalLM.from_pretrained(base, dtype="bfloat16")  # LL601: base
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))
    ```
    ```yaml
    # lora-lint: gpu=RTX 3060
    base_model: meta-llama/Llama-3.1-8B  # LL601: meta-llama/Llama-3.1-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=RTX 3060
    base_model: meta-llama/Llama-3.1-8B
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    ```

    ## When to ignore it
    When parts of the model are offloaded to the CPU, or the run happens on another machine.

    ## Options
    None.
    """
    if footprint.quantized or spread_over_devices(recipe):
        return
    room = usable_gpu.most
    if footprint.total <= room or footprint.quantized_total > room:
        return
    yield Problem(
        "model_name_or_path",
        f"at least {footprint.total / GIB:.1f} GiB before a single activation, and "
        f"{usable_gpu.name} has {room / GIB:.1f} GiB; over a 4-bit base model it would be "
        f"{footprint.quantized_total / GIB:.1f} GiB.",
        help="Load the base model in 4 bit (NF4, double quantization, bfloat16 compute).",
        edits=(
            Add("load_in_4bit", True),
            Add("bnb_4bit_quant_type", "nf4"),
            Add("bnb_4bit_use_double_quant", True),
            Add("bnb_4bit_compute_dtype", "bfloat16"),
        ),
    )


@rule("LL602", Severity.ERROR, evidence=[DEVICE_MEMORY, DETTMERS_2023])
def does_not_fit_at_all(recipe: Recipe, usable_gpu: Gpu, footprint: Footprint) -> Iterator[Problem]:
    """The run cannot fit the declared GPU, not even over a 4-bit base model.

    ## What it checks
    The lower bound of LL601, for a base model in NF4 with double quantization, is above what the
    declared GPU offers. The same conditions and exceptions as there.

    ## Why it matters
    The run ends in an out-of-memory error while the model is loaded.

    ## Bad
    ```yaml
    # lora-lint: gpu=T4
    base_model: meta-llama/Llama-3.1-70B  # LL602: meta-llama/Llama-3.1-70B
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=A100 80GB
    base_model: meta-llama/Llama-3.1-70B
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    ```

    ## When to ignore it
    When parts of the model are offloaded to the CPU, or the run happens on another machine.

    ## Options
    None.
    """
    room = usable_gpu.most
    if spread_over_devices(recipe) or footprint.quantized_total <= room:
        return
    yield Problem(
        "model_name_or_path",
        f"at least {footprint.quantized_total / GIB:.1f} GiB even over a 4-bit base model, and "
        f"{usable_gpu.name} has {room / GIB:.1f} GiB.",
        help="Take a smaller base model, a larger GPU, or several GPUs with FSDP or DeepSpeed.",
    )


@rule("LL608", Severity.ERROR, evidence=[DEVICE_MEMORY])
def unknown_gpu(gpu: str) -> Iterator[Problem]:
    """The declared GPU is not in the table, or its name fits several.

    ## What it checks
    The name in `# lora-lint: gpu=...` or in the file's own `hardware.gpu`. (A wrong name on the
    command line or in `[tool.lora-lint]` ends the program with an error instead.)

    ## Why it matters
    Without the GPU's memory no memory rule runs, so a run that cannot fit would pass.

    ## Bad
    ```python
    # lora-lint: gpu=RTX 4900  # LL608: lora-lint: gpu=RTX 4900
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## Good
    ```python
    # lora-lint: gpu=RTX 4090
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## When to ignore it
    Never; declare the memory instead of a name ("24 GB") for a card that the table lacks.

    ## Options
    None.
    """
    from lora_rules.facts.gpu import UnknownGpu, find_gpu  # only where a GPU is declared

    try:
        find_gpu(gpu)
    except UnknownGpu as error:
        yield Problem("gpu", f"{error}.", help='Name another, or its memory, such as "24 GB".')


def spread_over_devices(recipe: Recipe) -> bool:
    """Whether the model is, or for all we know may be, spread over several devices."""
    if any(_may_be_on(recipe, name) for name in ("fsdp", "deepspeed", "device_map")):
        return True
    count = recipe.settings.get("gpu_count")
    return count is not None and count.candidates != (1,)


def _may_be_on(recipe: Recipe, name: str) -> bool:
    """A ``device_map`` that puts everything on one device does not spread the model."""
    if not recipe.may_be(name):
        return False
    value = recipe.known(name)
    return value not in ("", "no", False, "cuda", "cuda:0", 0) and value not in ([], {}, {"": 0})
