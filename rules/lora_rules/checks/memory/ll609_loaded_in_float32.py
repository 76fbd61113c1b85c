"""Rule LL609, loaded-in-float32."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Add, Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value, is_given
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import MEMORY_TRAPS
from lora_rules.recipe import Blocks
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.model.architecture import Architecture
from lora_rules.checks.memory.memory_traps import LOADERS


@rule(
    "LL609",
    Severity.WARNING,
    evidence=[
        MEMORY_TRAPS.says(
            'create_model_from_path of TRL takes kwargs.get("dtype", "float32") in 0.27 to '
            '1.16, and "auto" in 0.26.'
        ),
    ],
)
def loaded_in_float32(
    blocks: Blocks,
    framework: Behaviour,
    model_name_or_path: str,
    architecture: Architecture,
    dtype: Value,
    model_init_kwargs: Value,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
    pinned_trl: VersionRange = ANY,
    *,
    min_gib: float = 2.0,
) -> Iterator[Problem]:
    """TRL loads a model that it is given by its name in float32, twice what it needs to be.

    ## What it checks
    A trainer of TRL is given a model's name, or the file is one for TRL's scripts, and nobody says
    a dtype: not in `dtype`, not in `model_init_kwargs`.

    - Not checked: a 4-bit or 8-bit base, and TRL pinned below 0.27.

    ## Why it matters
    TRL then loads float32, whatever the checkpoint holds (`create_model_from_path`:
    `kwargs.get("dtype", "float32")`, from 0.27 to 1.16 at least; 0.26 took the checkpoint's). That
    is twice the memory. `from_pretrained` of transformers 5 takes the checkpoint's dtype, so the
    same model in the next script needs half.

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
    - `min_gib` (2.0): a smaller loss than this many GiB is not reported.
    """
    if (
        load_in_4bit
        or load_in_8bit
        or architecture.prequantized
        or architecture.uncounted
        or pinned_trl.certainly_below("0.27")
        or _is_written(dtype, model_init_kwargs)
        or not (framework.loads_by_name or _trainer_loads(blocks, framework))
    ):
        return
    wasted = 2 * architecture.parameters
    if wasted < min_gib * GIB:
        return
    script = framework.loads_by_name
    yield Problem(
        "model_name_or_path",
        f"TRL loads {model_name_or_path} in float32, {2 * wasted / GIB:.1f} GiB, because no dtype "
        f"is given; bfloat16 would be {wasted / GIB:.1f} GiB.",
        help="Set `dtype: bfloat16`."
        if script
        else 'Give the trainer\'s configuration `model_init_kwargs={"dtype": "bfloat16"}`.',
        edits=(Add("dtype", "bfloat16"),) if script else (),
    )


def _is_written(dtype: Value, model_init_kwargs: Value) -> bool:
    """Whether somebody asks for a dtype, or may."""
    if is_given(dtype) and not (isinstance(dtype, Known) and not dtype.setting.written):
        return True
    if not is_given(model_init_kwargs):
        return False
    inside = model_init_kwargs.value if isinstance(model_init_kwargs, Known) else None
    return not isinstance(inside, dict) or bool({"dtype", "torch_dtype"} & inside.keys())


def _trainer_loads(blocks: Blocks, framework: Behaviour) -> bool:
    """Whether a trainer of TRL, that nothing patches, is given a name."""
    return framework.direct and any(
        key.name == "model" and len(key.candidates) == 1 and isinstance(key.candidates[0], str)
        for block in blocks
        if block.receiver in LOADERS and block.complete
        for key in block.keys
    )
