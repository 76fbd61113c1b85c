"""What is loaded larger than it looks: each with the bytes it costs."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import MEMORY_TRAPS
from lora_rules.recipe import Recipe
from lora_rules.rule import Add, Problem, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.architecture import Architecture

GIB = 2**30
LOADERS = frozenset(
    f"trl.{name}Trainer" for name in ("SFT", "DPO", "GRPO", "KTO", "RLOO", "Reward", "Distillation")
)
"""TRL 1.16's trainers that call ``create_model_from_path``."""
NF4 = 0.5 + 1 / 64 + 4 / 16384
"""Bytes a weight in NF4 with double quantization."""


@rule("LL609", Severity.WARNING, evidence=[MEMORY_TRAPS])
def loaded_in_float32(
    recipe: Recipe,
    model_name_or_path: str,
    architecture: Architecture,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
    *,
    min_gib: float = 2.0,
) -> Iterator[Problem]:
    """TRL loads a model that it is given by its name in float32, twice what it needs to be.

    ## What it checks
    A trainer of TRL that is given a model's name, or a file for TRL's scripts, where nobody says a
    dtype: not in `dtype`, not in `model_init_kwargs`. TRL then loads float32, from 0.27 to 1.16 at
    least, whatever the checkpoint holds (`create_model_from_path`: `kwargs.get("dtype",
    "float32")`; 0.26 took the checkpoint's). Silent for a 4-bit or 8-bit base and where TRL is
    pinned below 0.27.

    ## Why it matters
    A frozen base gains nothing from float32: it is twice the memory, and under `bf16` every weight
    is cast for every product. `from_pretrained` of transformers 5 takes the checkpoint's dtype, so
    the same model in the next script needs half.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, max_length=2048, bf16=True)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    base = "meta-llama/Llama-3.1-8B"
    trainer = SFTTrainer(model=base, args=args, peft_config=lora)  # LL609: base
    ```
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B  # LL609: meta-llama/Llama-3.1-8B
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: all-linear
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    args = SFTConfig(
        learning_rate=2e-4,
        max_length=2048,
        num_train_epochs=1,
        bf16=True,
        model_init_kwargs={"dtype": "bfloat16"},
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    trainer = SFTTrainer(model="meta-llama/Llama-3.1-8B", args=args, peft_config=lora)
    ```
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: all-linear
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    ```

    ## When to ignore it
    When the GPU has the room and a float32 base is wanted.

    ## Options
    - `min_gib` (2.0): a smaller loss than this many GiB is not told.
    """
    if load_in_4bit or load_in_8bit or architecture.prequantized or not _loads_float32(recipe):
        return
    wasted = 2 * architecture.parameters
    if wasted < min_gib * GIB:
        return
    script = recipe.dialect == "trl"
    yield Problem(
        "model_name_or_path",
        f"TRL loads {model_name_or_path} in float32, {2 * wasted / GIB:.1f} GiB, because no dtype "
        f"is given; bfloat16 would be {wasted / GIB:.1f} GiB.",
        help="Set `dtype: bfloat16`."
        if script
        else 'Give the trainer\'s configuration `model_init_kwargs={"dtype": "bfloat16"}`.',
        edits=(Add("dtype", "bfloat16"),) if script else (),
    )


def _loads_float32(recipe: Recipe) -> bool:
    if recipe.dialect != "trl" and not _trainer_loads(recipe):
        return False
    from lora_rules.facts.run_settings import pinned  # only where all else holds

    version = pinned(recipe, "trl")
    if version is not None and version < (0, 27):
        return False
    dtypes = [each for each in ("dtype", "torch_dtype") if each in recipe.settings]
    if any(recipe.settings[each].written and recipe.may_be(each) for each in dtypes):
        return False
    inside = recipe.known("model_init_kwargs") if recipe.may_be("model_init_kwargs") else {}
    return isinstance(inside, dict) and not {"dtype", "torch_dtype"} & inside.keys()


def _trainer_loads(recipe: Recipe) -> bool:
    """Whether a trainer of TRL is given a name; Unsloth patches what it is given."""
    return recipe.dialect == "peft" and any(
        key.name == "model" and len(key.candidates) == 1 and isinstance(key.candidates[0], str)
        for block in recipe.blocks
        if block.receiver in LOADERS and block.complete
        for key in block.keys
    )


@rule("LL610", Severity.WARNING, evidence=[MEMORY_TRAPS])
def experts_not_quantized(
    recipe: Recipe,
    architecture: Architecture,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
) -> Iterator[Problem]:
    """A mixture of experts is to be quantized, and its experts stay in 16 bit.

    ## What it checks
    `load_in_4bit` or `load_in_8bit` on a model whose experts transformers 5 holds as single
    tensors, three-dimensional parameters. bitsandbytes quantizes modules whose type is exactly
    `nn.Linear` (`replace_with_bnb_linear`), and the experts are none. Silent where transformers is
    pinned below 5, where axolotl's `quantize_moe_experts` is on, for checkpoints that are quantized
    already, and for Unsloth and torchtune, which load models their own way.

    ## Why it matters
    The experts are most of the model: a "QLoRA" of Mixtral-8x7B needs 86 GiB for its weights, not
    23, and runs out of memory while it loads.

    ## Bad
    ```yaml
    base_model: mistralai/Mixtral-8x7B-v0.1
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true  # LL610: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj]
    lora_target_parameters: [mlp.experts.gate_up_proj, mlp.experts.down_proj]
    learning_rate: 2.0e-4
    bf16: true
    ```

    ## Good
    ```yaml
    base_model: mistralai/Mixtral-8x7B-v0.1
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true
    quantize_moe_experts: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj]
    lora_target_parameters: [mlp.experts.gate_up_proj, mlp.experts.down_proj]
    learning_rate: 2.0e-4
    bf16: true
    ```

    ## When to ignore it
    When the run uses transformers 4, whose experts are `nn.Linear` modules.

    ## Options
    None.
    """
    experts = sum(each.parameters for each in architecture.modules.fused_experts)
    if not experts or architecture.prequantized or not (load_in_4bit or load_in_8bit):
        return
    if not _quantizes_linears_only(recipe):
        return
    small = experts * (NF4 if load_in_4bit else 1)
    yield Problem(
        "load_in_4bit" if load_in_4bit else "load_in_8bit",
        f"the experts, {experts / 1e9:.1f} of {architecture.parameters / 1e9:.1f} billion "
        f"parameters, are not quantized: they take {2 * experts / GIB:.1f} GiB and not "
        f"{small / GIB:.1f}.",
        help=_instead(recipe),
        also=("model_name_or_path",),
        edits=(Add("quantize_moe_experts", True),) if _may_quantize_experts(recipe) else (),
    )


def _may_quantize_experts(recipe: Recipe) -> bool:
    """Whether it is axolotl, which can, but refuses it beside ``lora_target_linear``."""
    return recipe.dialect == "axolotl" and recipe.known("target_modules") != "all-linear"


def _instead(recipe: Recipe) -> str:
    if _may_quantize_experts(recipe):
        return "Set `quantize_moe_experts: true`."
    if recipe.dialect == "axolotl":
        return "Set `quantize_moe_experts: true` and name the layers, not `lora_target_linear`."
    return "Take a checkpoint that is quantized already, or count on the experts in 16 bit."


def _quantizes_linears_only(recipe: Recipe) -> bool:
    """Whether bitsandbytes through transformers 5 does it, as far as anybody says."""
    from lora_rules.facts.run_settings import is_on, is_unsloth, pinned

    version = pinned(recipe, "transformers")
    old = version is not None and version < (5,)
    other = is_unsloth(recipe) or recipe.dialect in ("torchtune", "peft-adapter-json")
    return not (old or other or is_on(recipe, "quantize_moe_experts"))


@rule("LL611", Severity.INFO, evidence=[MEMORY_TRAPS])
def float32_embeddings(
    recipe: Recipe,
    architecture: Architecture,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
    *,
    min_gib: float = 1.0,
) -> Iterator[Problem]:
    """`prepare_model_for_kbit_training` makes embeddings and head float32, and TRL needs it not.

    ## What it checks
    A script that calls PEFT's `prepare_model_for_kbit_training` on a quantized model and trains it
    with TRL, and what the float32 copies of everything that is not quantized take on top. With
    transformers' own `Trainer` the call is the way to do it (LL504), and nothing is said.

    ## Why it matters
    PEFT casts every parameter of 16 bit that is not a 4-bit or 8-bit weight. A large vocabulary
    makes that gigabytes: 2 GiB for Llama 3's 8B, and the activations of 4-bit layers follow in
    float32. TRL's `SFTTrainer` has not made the call since 0.26; what else it does, gradient
    checkpointing and inputs that require gradients, is the trainer's own setting.

    ## Bad
    ```python
    from peft import LoraConfig, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    bnb = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype="bfloat16"
    )
    base = "meta-llama/Llama-3.1-8B"
    model = AutoModelForCausalLM.from_pretrained(base, quantization_config=bnb)
    model = prepare_model_for_kbit_training(model)  # LL611: prepare_model_for_kbit_training(model)
    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, max_length=2048, bf16=True)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    trainer = SFTTrainer(model=model, args=args, peft_config=lora)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    bnb = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype="bfloat16"
    )
    base = "meta-llama/Llama-3.1-8B"
    model = AutoModelForCausalLM.from_pretrained(base, quantization_config=bnb)
    args = SFTConfig(
        learning_rate=2e-4, num_train_epochs=1, max_length=2048, bf16=True
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    trainer = SFTTrainer(model=model, args=args, peft_config=lora)
    ```

    ## When to ignore it
    When the memory is there, or training in float16 is not stable without it.

    ## Options
    - `min_gib` (1.0): less than this many GiB is not told.
    """
    if not (load_in_4bit or load_in_8bit) or not _trl_trains(recipe):
        return
    other = architecture.parameters - architecture.linear_parameters
    cast = other - sum(each.parameters for each in architecture.modules.fused_experts)
    if 2 * cast < min_gib * GIB:
        return
    for block in recipe.blocks:
        if block.receiver == "peft.prepare_model_for_kbit_training":
            yield Problem(
                block.span,
                f"this makes the {cast / 1e9:.2f} billion parameters that are not quantized "
                f"(embeddings, head, norms) float32: {2 * cast / GIB:.1f} GiB more.",
                help="TRL needs no such call; gradient_checkpointing is a setting of its trainer.",
            )


def _trl_trains(recipe: Recipe) -> bool:
    """Whether a trainer of TRL that makes no such call itself gets the model."""
    from lora_rules.facts.run_settings import pinned  # only where it is called

    version = pinned(recipe, "trl")
    new = version is None or version >= (0, 26)
    return new and any(block.receiver in LOADERS for block in recipe.blocks)
