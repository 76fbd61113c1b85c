"""Fact ``memory_forecast``: the closed-form forecast of :mod:`lora_rules.facts.memory`, filled in.

What a recipe says goes into :class:`Plan`; what it leaves open is assumed as the framework that
runs it would fill it in, and kept as a sentence. Where nobody has looked at how a framework trains
(Unsloth's kernels, torchtune's compiled step, several GPUs), there is no forecast at all.

Who trains, and from where that is known:

==============  ==================================================================================
axolotl         its own code on transformers' Trainer; the loss by its plugins
LLaMA-Factory   transformers' Trainer; float32 adapter (``cast_trainable_params_to_fp32``), no
                k-bit preparation (``llamafactory/model/adapter.py``, ``model_utils/``)
TRL             its scripts load the model by its name; in Python, a name given to ``SFTTrainer``
Python          the call that ends in ``Trainer``, if it is TRL's or transformers' own
==============  ==================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from lora_rules.facts.adapter import Adapter as Configured
from lora_rules.facts.adapter import trained
from lora_rules.facts.architecture import Architecture
from lora_rules.facts.gpu import Gpu
from lora_rules.facts.memory.adapter import Adapter
from lora_rules.facts.memory.allocator import T4, Device
from lora_rules.facts.memory.forecast import Forecast, forecast
from lora_rules.facts.memory.loop import Assumed, Checkpointing, Known, LossPath, derive_loop
from lora_rules.facts.memory.shape import Shape, shape_of_architecture
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.verdict import Verdict, verdict
from lora_rules.facts.trained_part import Part
from lora_rules.needs import Unknown
from lora_rules.recipe import Recipe

TRAINERS = {
    "trl.SFTTrainer": "trl",
    "transformers.Trainer": "transformers",
    "transformers.Seq2SeqTrainer": "transformers",
}
"""Python's trainers whose loop is modelled."""
DIALECTS = {"axolotl": "axolotl", "llamafactory": "transformers", "trl": "trl"}
"""Files' dialects whose loop is modelled, and whose loop it is."""
SPREADS = ("fsdp", "deepspeed", "device_map")
OTHER_QUANTIZATION = ("quant_method", "quantization", "quantize")
NOT_MODELLED = {
    "use_unsloth": "Unsloth's kernels are not modelled",
    "torch_compile": "a compiled step is not modelled",
    "activation_offloading": "activations that wait in the host's memory are not modelled",
    "pure_bf16": "LLaMA-Factory's pure_bf16 is not modelled",
    "chunked_cross_entropy": "axolotl's chunked cross-entropy is not modelled",
    "use_megatron_bridge": "Megatron's training loop is not modelled",
    "use_distributed_optimizer": "Megatron's training loop is not modelled",
    "use_mca": "Megatron's training loop is not modelled",
    "use_kt": "KTransformers is not modelled",
    "tiled_mlp": "axolotl's tiled MLP is not modelled",
    "layer_offloading": "layers that wait in the host's memory are not modelled",
    "expert_parallel_size": "expert parallelism is not modelled",
    "tensor_parallel_size": "tensor parallelism is not modelled",
    "context_parallel_size": "context parallelism is not modelled",
}
"""Keys that change memory in ways that no formula here counts."""
SPARING = re.compile(r"(liger_(rms_norm|glu_activation|layer_norm|rope)|lora_\w+_kernel)$")
"""Axolotl's keys for kernels that keep less of a layer than is counted here."""
_DTYPES = {"bfloat16": "bf16", "bf16": "bf16", "float16": "fp16", "fp16": "fp16", "half": "fp16"}
_DTYPES |= {"float32": "fp32", "fp32": "fp32", "float": "fp32"}
_ATTENTION = {"auto": "sdpa", "fa2": "flash_attention_2", "disabled": "eager"}


class Outlook(Enum):
    """Whether a run fits a card, as far as the forecast's band lets us tell."""

    FITS = "fits"
    """Even at the band's high end it is below the verdict's first threshold."""
    TIGHT = "tight"
    """The threshold lies inside the band."""
    NO = "no"
    """Even at the band's low end it is above it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the forecast of one run needs, whichever the GPU."""

    known: Known
    shape: Shape
    adapter: Adapter
    batch: int
    length: int
    accumulation: int
    optimizer: str
    packed: bool
    """Sequences are packed, so that batches are as long as they may be."""
    keeps_quantized_inputs: bool
    said: tuple[str, ...]
    """What was assumed while the recipe was read."""

    def assumed(self, gpu: Gpu | None) -> Assumed:
        """The loop on a card, and what was assumed about it.

        A batch of one sequence needs no padding, so transformers drops its mask.
        """
        unmasked = self.known.attention.startswith("flash") or (self.batch == 1 and not self.packed)
        padded = False if unmasked else None
        found = derive_loop(replace(self.known, padded=padded, modern_gpu=_capability(gpu) >= 8))
        loop = replace(found.loop, keeps_quantized_inputs=self.keeps_quantized_inputs)
        return Assumed(loop, (*self.said, *found.assumptions))

    @property
    def full_logits(self) -> bool:
        """Whether the loop holds all logits at once, though it need not."""
        return self.assumed(None).loop.loss is LossPath.TRAINER

    @property
    def needs_bf16(self) -> bool:
        """Whether the card has to compute in bfloat16."""
        return self.known.autocast == "bf16"

    def on(self, gpu: Gpu | None) -> Forecast:
        """The forecast on a card; without one, on any of compute capability 8 to 8.9.

        The narrow band is for runs of which nothing is assumed, the wide one for all others.
        """
        assumed = self.assumed(gpu)
        return forecast(
            Step(self.shape, self.adapter, assumed.loop, self.batch, self.length),
            optimizer=self.optimizer,
            accumulation=self.accumulation,
            device=device_of(gpu),
            lengths_known=self.packed and not assumed.assumptions,
        )


@dataclass(frozen=True, slots=True)
class MemoryForecast:
    """The forecast of a recipe, on the declared GPU if there is one."""

    plan: Plan
    forecast: Forecast
    assumptions: tuple[str, ...]
    switch: str
    """How this framework switches a loss on that never holds all logits."""

    @property
    def full_logits(self) -> bool:
        """Whether all logits are there at once, though they need not be."""
        return self.plan.full_logits

    def cannot(self, gpu: Gpu) -> bool:
        """Whether the forecast is outside its band too large for a card."""
        return outlook(self.forecast, gpu) is Outlook.NO

    @property
    def when(self) -> str:
        """The condition as the start of a sentence's clause."""
        condition = self.forecast.condition
        return condition if condition.startswith("if") else f"when {condition}"

    @property
    def logits(self) -> float:
        """Bytes of logits and loss at the highest moment."""
        parts = self.forecast.parts
        return sum(parts.get(name, 0.0) for name in ("logits", "held logits", "head copy"))


Change = Callable[[Plan, str], list[tuple[str, Plan]]]
"""From a plan, and the framework's switch, to what may be done, the mildest first."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change, what it does to the plan, and what comes of it."""

    what: str
    plan: Plan
    forecast: Forecast
    outlook: Outlook

    @property
    def fits(self) -> bool:
        """Whether the run is expected to fit with it."""
        return self.outlook is Outlook.FITS


def memory_forecast(
    recipe: Recipe,
    architecture: Architecture,
    r: int,
    max_length: int,
    per_device_train_batch_size: int,
    gradient_accumulation_steps: int = 1,
    target_modules: list[str] | str | None = None,
    rank_pattern: dict[str, object] | None = None,
    modules_to_save: list[str] | None = None,
    exclude_modules: list[str] | str | None = None,
    layers_to_transform: list[int] | int | None = None,
    use_dora: bool = False,
    bias: str = "none",
    layers_pattern: list[str] | str | None = None,
    target_parameters: list[str] | None = None,
    trainable_token_indices: list[int] | dict[str, object] | None = None,
    lora_bias: bool = False,
    task_type: str | None = None,
    lora_dropout: float = 0.0,
    usable_gpu: Gpu | None = None,
) -> MemoryForecast:
    """How much memory the run needs at its highest moment.

    Raises:
        Unknown: if a size is not known, or the framework, the model or the loss is not modelled.
    """
    _refuse(recipe, task_type)
    said: list[str] = []
    shape = shape_of_architecture(architecture)
    if shape.expert_parameters:
        raise Unknown("what a mixture of experts keeps for its backward pass is not modelled")
    configured = Configured(
        r,
        target_modules,
        rank_pattern,
        modules_to_save,
        exclude_modules,
        layers_to_transform,
        use_dora,
        bias,
        layers_pattern,
        target_parameters,
        trainable_token_indices,
        lora_bias,
        task_type,
        recipe,
    )
    adapter = _adapter(trained(architecture, configured), shape, lora_dropout, use_dora)
    known = _known_loop(recipe, architecture, said)
    sizes = (per_device_train_batch_size, max_length, gradient_accumulation_steps)
    if min(sizes) < 1:
        raise Unknown(f"a batch of {sizes[0]} x {sizes[1]} tokens, {sizes[2]} times, is none")
    plan = Plan(
        known=known,
        shape=shape,
        adapter=adapter,
        batch=sizes[0],
        length=sizes[1],
        accumulation=sizes[2],
        optimizer=_optimizer(recipe, said),
        packed=recipe.known("packing") is True,
        keeps_quantized_inputs=known.quantization.startswith("nf4") and _old_bitsandbytes(recipe),
        said=tuple(said),
    )
    assumed = plan.assumed(usable_gpu).assumptions
    return MemoryForecast(plan, plan.on(usable_gpu), assumed, _switch(recipe, known))


def device_of(gpu: Gpu | None) -> Device:
    """What depends on the card: cuBLAS's workspace, and the CUDA context."""
    if gpu is not None and gpu.name == "Tesla T4":
        return T4
    return Device(hopper=_capability(gpu) >= 9)


def outlook(found: Forecast, gpu: Gpu) -> Outlook:
    """What to expect on a card.

    A "no" takes the card at the high end of what torch reports, a "fits" at the low end, so that
    drivers do not decide.
    """
    if verdict(found.band.low, gpu.most, found.context) is not Verdict.FITS:
        return Outlook.NO
    fits = verdict(found.band.high, gpu.usable, found.context) is Verdict.FITS
    return Outlook.FITS if fits else Outlook.TIGHT


def remedies(plan: Plan, gpu: Gpu, switch: str) -> tuple[Remedy, ...]:
    """What can be changed, cheapest first, each alone; together, where none alone suffices.

    Args:
        plan: the run as it stands.
        gpu: the card that it is to fit.
        switch: how the framework switches on a loss without all logits.
    """
    free = _alone(plan, gpu, switch, FREE)
    costly = _alone(plan, gpu, switch, COSTLY)
    if any(each.fits for each in free):
        return (*free, *costly)
    together = _together(plan, gpu, switch, FREE)
    if together is not None and together.fits:
        return (*free, together, *costly)
    if not any(each.fits for each in costly):
        together = _together(plan, gpu, switch, (*FREE, *COSTLY))
        return (*free, *costly, *([together] if together is not None else []))
    return (*free, *costly)


def _alone(plan: Plan, gpu: Gpu, switch: str, changes: tuple[Change, ...]) -> list[Remedy]:
    now = plan.on(gpu).allocated
    found = (_best(change(plan, switch), gpu) for change in changes)
    return [each for each in found if each is not None and _helps(each, now)]


def _together(plan: Plan, gpu: Gpu, switch: str, changes: tuple[Change, ...]) -> Remedy | None:
    """The first changes, one on top of the other, until the run fits."""
    words: list[str] = []
    best: Remedy | None = None
    for change in changes:
        step = _best(change(plan, switch), gpu)
        if step is None or not _helps(step, plan.on(gpu).allocated):
            continue
        words.append(step.what)
        plan = step.plan
        best = replace(step, what=" and ".join(words))
        if best.fits:
            break
    return best if len(words) > 1 else None


def _helps(remedy: Remedy, before: float) -> bool:
    """Whether the peak falls by a hundredth at least."""
    return remedy.forecast.allocated <= 0.99 * before


def _best(options: Iterable[tuple[str, Plan]], gpu: Gpu) -> Remedy | None:
    """The first option that fits, else the last; ``None`` if there is no option."""
    found: Remedy | None = None
    for what, plan in options:
        made = plan.on(gpu)
        found = Remedy(what, plan, made, outlook(made, gpu))
        if found.fits:
            return found
    return found


def _cheaper_loss(plan: Plan, switch: str) -> list[tuple[str, Plan]]:
    if not plan.full_logits:
        return []
    cut = plan.known.trainer == "axolotl"
    return [(switch, replace(plan, known=replace(plan.known, cut=cut, liger=not cut)))]


def _sixteen_bit(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    if plan.assumed(None).loop.base != "fp32":
        return []
    return [("a base loaded in bfloat16", replace(plan, known=replace(plan.known, dtype="bf16")))]


def _micro_batch(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    smaller = [size for size in range(plan.batch - 1, 0, -1) if plan.batch % size == 0]
    return [
        (
            f"a micro batch of {size} with {plan.accumulation * plan.batch // size}"
            " accumulation steps",
            replace(plan, batch=size, accumulation=plan.accumulation * plan.batch // size),
        )
        for size in smaller
    ]


def with_checkpointing(plan: Plan) -> Plan:
    """The same run with gradient checkpointing."""
    return replace(plan, known=replace(plan.known, checkpointing=Checkpointing.FULL))


def _checkpointing(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    if plan.known.checkpointing is not Checkpointing.NONE:
        return []
    return [("gradient checkpointing", with_checkpointing(plan))]


def _four_bit(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    if plan.known.quantization != "none":
        return []
    known = replace(plan.known, quantization="nf4-dq")
    return [("a 4-bit base (NF4, double quantization)", replace(plan, known=known))]


def _shorter(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    """Half, a quarter, an eighth, down to 256 tokens."""
    lengths = [plan.length // factor for factor in (2, 4, 8) if plan.length // factor >= 256]
    return [(f"sequences of at most {each} tokens", replace(plan, length=each)) for each in lengths]


def _fewer_targets(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    few = {name: rank for name, rank in plan.adapter.ranks.items() if name in ("q_proj", "v_proj")}
    if not few or len(few) == len(plan.adapter.ranks):
        return []
    fewer = replace(plan, adapter=replace(plan.adapter, ranks=few))
    return [("LoRA on q_proj and v_proj alone", fewer)]


FREE: tuple[Change, ...] = (_cheaper_loss, _sixteen_bit, _micro_batch, _checkpointing)
"""What changes nothing, or next to nothing, about the result; at most its time."""
COSTLY: tuple[Change, ...] = (_four_bit, _shorter, _fewer_targets)
"""What changes the base, the data or what is learnt."""


def _refuse(recipe: Recipe, task_type: str | None) -> None:
    """Runs that are no single-GPU language-model step, or hold what is not modelled.

    Raises:
        Unknown: with the reason.
    """
    if recipe.result:
        raise Unknown("it is a trained adapter's record, not a run to come")
    if recipe.domain != "language":
        raise Unknown("only language models are modelled")
    _refuse_several_gpus(recipe)
    if task_type not in (None, "CAUSAL_LM"):
        raise Unknown(f"the loss of a model for {task_type} is not modelled")
    method = recipe.known("trainer_method") if recipe.may_be("trainer_method") else "sft"
    if method not in ("sft", "pt"):
        raise Unknown(f"the loss of {method or 'that trainer'} is not modelled")
    if recipe.known("loss_type") not in (None, "nll", "chunked_nll"):
        raise Unknown(f"the loss {recipe.known('loss_type')!r} is not modelled")
    for name, why in NOT_MODELLED.items():
        if _on(recipe, name):
            raise Unknown(why)


def _refuse_several_gpus(recipe: Recipe) -> None:
    count = recipe.settings.get("gpu_count")
    if count is not None and count.candidates != (1,):
        raise Unknown("how a run is shared by several GPUs is not told")
    for name in SPREADS:
        alone = name == "device_map" and count is not None
        if not alone and recipe.may_be(name) and not _is_off(recipe, name):
            hint = "; --gpu-count 1 says that there is one" if name == "device_map" else ""
            key = recipe.settings[name].key
            raise Unknown(f"{key} may spread the model over several devices{hint}")


def _is_off(recipe: Recipe, name: str) -> bool:
    value = recipe.known(name)
    return value in ("", "no", False, "cuda", "cuda:0", 0) or value in ([], {}, {"": 0})


def _on(recipe: Recipe, name: str) -> bool:
    """Whether a setting or a key of that name is there and on, or may be."""
    setting = recipe.settings.get(name)
    if setting is not None:
        return not _all_off(setting.candidates)
    keys = [key for block in recipe.blocks for key in block.keys if key.name == name]
    return any(not _all_off(key.candidates) for key in keys)


def _all_off(values: tuple[object, ...]) -> bool:
    """Whether something is known to be off; a size of 1 is, ``True`` (equal to 1) is not."""
    return bool(values) and all(
        value in (None, "", "no", "false")
        if isinstance(value, str | None)
        else value is False or (type(value) is int and value <= 1)
        for value in values
    )


def _known_loop(recipe: Recipe, architecture: Architecture, said: list[str]) -> Known:
    trainer = _trainer(recipe)
    quantization = _quantization(recipe, architecture, said)
    checkpointing = _checkpointed(recipe, trainer, said)
    liger, cut = _loss_switches(recipe)
    _spare(recipe, liger, checkpointing, said)
    autocast, autocast_known = _autocast(recipe, trainer, said)
    llama_factory = recipe.dialect == "llamafactory"
    return Known(
        trainer=trainer,
        version=_version(recipe, trainer),
        liger=liger,
        cut=cut,
        by_name=_by_name(recipe, trainer),
        dtype=_dtype(recipe, trainer, quantization, said) or (autocast if llama_factory else None),
        quantization=quantization,
        prepared=_prepared(recipe),
        adapter="fp32" if llama_factory else None,
        autocast=autocast,
        autocast_known=autocast_known,
        attention=_attention(recipe, said),
        checkpointing=checkpointing,
    )


def _trainer(recipe: Recipe) -> str:
    """Whose training loop runs.

    Raises:
        Unknown: if it is not modelled, or the file does not show it.
    """
    if recipe.dialect in DIALECTS:
        return DIALECTS[recipe.dialect]
    who = recipe.framework or recipe.dialect
    if recipe.dialect != "peft":
        raise Unknown(f"how {who} trains is not modelled")
    found = {b.receiver for b in recipe.blocks if b.receiver.endswith("Trainer")}
    if len(found) != 1:
        raise Unknown("the file does not show which trainer runs it")
    receiver = found.pop()
    if receiver not in TRAINERS:
        raise Unknown(f"how {receiver} trains is not modelled")
    return TRAINERS[receiver]


def _version(recipe: Recipe, trainer: str) -> tuple[int, ...] | None:
    return _pinned(recipe, trainer) if trainer in ("trl", "transformers") else None


def _pinned(recipe: Recipe, library: str) -> tuple[int, ...] | None:
    pin = recipe.known(f"pinned_{library}")
    numbers = re.match(r"\d+(?:\.\d+)*", pin) if isinstance(pin, str) else None
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else None


def _old_bitsandbytes(recipe: Recipe) -> bool:
    version = _pinned(recipe, "bitsandbytes")
    return version is not None and version < (0, 44)


def _quantization(recipe: Recipe, architecture: Architecture, said: list[str]) -> str:
    for name in OTHER_QUANTIZATION:
        if name in recipe.settings and recipe.may_be(name) and not _is_off(recipe, name):
            raise Unknown(f"{recipe.settings[name].key} may quantize in a way that is not modelled")
    for name in ("load_in_4bit", "load_in_8bit"):
        if name in recipe.settings and not recipe.settings[name].known:
            raise Unknown(f"{recipe.settings[name].key} is unknown")
    if recipe.known("load_in_8bit") is True:
        raise Unknown("what int8's kernels keep is not modelled")
    if recipe.known("load_in_4bit") is not True and not architecture.prequantized:
        return "none"
    double = recipe.known("bnb_4bit_use_double_quant")
    if double is None:
        said.append("double quantization is assumed to be as bitsandbytes has it: off")
    return "nf4-dq" if double is True else "nf4"


def _checkpointed(recipe: Recipe, trainer: str, said: list[str]) -> Checkpointing:
    if "gradient_checkpointing" not in recipe.settings:
        on = trainer == "trl"
        said.append(f"gradient checkpointing is assumed to be {'on' if on else 'off'}")
        return Checkpointing.FULL if on else Checkpointing.NONE
    value = recipe.known("gradient_checkpointing")
    if isinstance(value, bool):
        return Checkpointing.FULL if value else Checkpointing.NONE
    if value in ("offload", "unsloth"):
        return Checkpointing.OFFLOADED
    raise Unknown(f"gradient_checkpointing={value!r} is not modelled")


def _loss_switches(recipe: Recipe) -> tuple[bool, bool]:
    """Whether Liger's loss, and whether cut cross-entropy is on."""
    liger = ("use_liger_kernel", "enable_liger_kernel", "liger_fused_linear_cross_entropy")
    plugins = [
        str(key.candidates)
        for block in recipe.blocks
        for key in block.keys
        if key.name.split(".")[0] == "plugins"
    ]
    cut = any("CutCrossEntropyPlugin" in each for each in plugins)
    off = any(
        key.name == "cut_cross_entropy" and key.candidates == (False,)
        for block in recipe.blocks
        for key in block.keys
    )
    return any(_on(recipe, name) for name in liger), cut and not off


def _spare(recipe: Recipe, liger: bool, checkpointing: Checkpointing, said: list[str]) -> None:
    """Fused kernels for norms and MLPs keep less than is counted; that matters if all is kept."""
    keys = {key.name for block in recipe.blocks for key in block.keys if SPARING.match(key.name)}
    by_itself = recipe.dialect == "axolotl" and _switches_kernels_on(recipe, keys)
    if not liger and not by_itself and not any(_on(recipe, name) for name in keys):
        return
    if checkpointing is Checkpointing.NONE:
        raise Unknown("what fused kernels keep of a layer without checkpointing is not modelled")
    said.append("what fused kernels save inside one layer is not counted")


def _switches_kernels_on(recipe: Recipe, keys: set[str]) -> bool:
    """Whether axolotl may take its LoRA kernels unasked: if no key speaks of them.

    They refuse dropout (axolotl's ``docs/lora_optims.qmd``). Which versions switch them on by
    themselves was not looked up, so any may.
    """
    spoken = any(name.startswith("lora_") for name in keys)
    return not spoken and recipe.known("lora_dropout") in (0, None)


def _autocast(recipe: Recipe, trainer: str, said: list[str]) -> tuple[str | None, bool]:
    bf16, fp16 = recipe.known("bf16"), recipe.known("fp16")
    if bf16 in (True, "auto", "true", "full"):
        return "bf16", True
    if fp16 is True:
        return "fp16", True
    if trainer == "trl" and "bf16" not in recipe.settings:
        said.append("bf16 is assumed, TRL's default")
        return "bf16", True
    return None, bf16 is False


def _dtype(recipe: Recipe, trainer: str, quantization: str, said: list[str]) -> str | None:
    names = [name for name in ("dtype", "torch_dtype") if recipe.may_be(name)]
    if names:
        value = str(recipe.known(names[0])).removeprefix("torch.")
        if value == "auto":
            said.append("the checkpoint is assumed to be in 16 bit")
            return "bf16"
        if value not in _DTYPES:
            raise Unknown(f"{recipe.settings[names[0]].key} is not known")
        return _DTYPES[value]
    version = _pinned(recipe, "transformers")
    loads = recipe.dialect == "peft" and not _by_name(recipe, trainer) and quantization == "none"
    return "fp32" if loads and version is not None and version < (5,) else None


def _by_name(recipe: Recipe, trainer: str) -> bool:
    """Whether TRL is given the model's name and loads it itself."""
    if trainer != "trl" or recipe.dialect == "trl":
        return trainer == "trl"
    return any(
        key.name == "model" and len(key.candidates) == 1 and isinstance(key.candidates[0], str)
        for block in recipe.blocks
        if block.receiver.endswith("Trainer")
        for key in block.keys
    )


def _prepared(recipe: Recipe) -> bool | None:
    """A Python file shows whether it prepares; LLaMA-Factory does not; of others it is assumed."""
    if recipe.dialect == "llamafactory":
        return False
    setting = recipe.settings.get("gradient_checkpointing")
    receivers = [block.receiver for block in recipe.blocks]
    shown = any(each.endswith("prepare_model_for_kbit_training") for each in receivers)
    return True if shown or (setting and "prepare_model" in setting.source) else None


def _attention(recipe: Recipe, said: list[str]) -> str:
    value = recipe.known("attn_implementation")
    if value is None and recipe.may_be("attn_implementation"):
        raise Unknown("attn_implementation is unknown")
    if value is None or value == "auto":
        said.append("attention is assumed to be sdpa")
        return "sdpa"
    return _ATTENTION.get(str(value), str(value))


def _optimizer(recipe: Recipe, said: list[str]) -> str:
    value = recipe.known("optim")
    if isinstance(value, str):
        return value
    if recipe.may_be("optim"):
        raise Unknown("the optimizer is unknown")
    said.append("the optimizer is assumed to be adamw_torch_fused, transformers' default")
    return "adamw_torch_fused"


def _adapter(parts: list[Part], shape: Shape, dropout: float, dora: bool) -> Adapter:
    """The forecast's adapter; what it has no place for counts as extra parameters.

    One name with several ranks takes the largest.
    """
    names = {each.name for block in shape.blocks for each in block.projections}
    ranks: dict[str, int] = {}
    layers: set[str] = set()
    for part in parts:
        layer = re.search(r"\.(\d+)\.", part.path)
        if part.rank and layer and part.name in names:
            ranks[part.name] = max(ranks.get(part.name, 0), part.rank)
            layers.add(layer[1])
    if not 0 <= dropout < 1:
        raise Unknown(f"a dropout of {dropout} is refused")
    share = min(1.0, len(layers) / shape.layers) or 1.0
    plain = Adapter(ranks, dropout, dora, share=share)
    count = sum(part.count for part in parts)
    return replace(plain, extra=max(0, count - plain.parameters(shape)))


def _switch(recipe: Recipe, known: Known) -> str:
    """How the framework is told to compute the loss without all logits."""
    if recipe.dialect == "axolotl":
        return "axolotl's CutCrossEntropyPlugin"
    if recipe.dialect == "llamafactory":
        return "`enable_liger_kernel: true`"
    if known.trainer == "trl":
        return "`use_liger_kernel=True`, or TRL 1.7 with its chunked loss"
    return "`use_liger_kernel=True`"


def _capability(gpu: Gpu | None) -> float:
    """CUDA's compute capability; what has none is taken as 8."""
    found = gpu.capability if gpu is not None else None
    return float(found) if found and found.replace(".", "").isdecimal() else 8.0
