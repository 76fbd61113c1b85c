"""What a single key does not tell: functions that the tables name in ``derive:``.

Each gets the draft after everything that is written was noted, and adds or corrects what follows
from several keys together. They run before the silent defaults are filled in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lora_lint.read.tree import Scalar
from lora_lint.translate.draft import Draft, Found
from lora_lint.translate.values import Values, unknown

LITGPT_PARTS = ("query", "key", "value", "projection", "mlp", "head")
"""litgpt names what it adapts by role; these are the six switches of ``finetune/lora.py``."""
LITGPT_ON = frozenset({"query", "value"})
TORCHTUNE_ATTENTION = frozenset({"q_proj", "k_proj", "v_proj", "output_proj"})
AXOLOTL_ATTENTION = {
    "flash_attention": "flash_attention_2",
    "sdp_attention": "sdpa",
    "flex_attention": "flex_attention",
    "xformers_attention": "xformers",
    "sage_attention": "sage",
    "eager_attention": "eager",
}
"""The older flags of axolotl, and what each stands for."""


def axolotl_targets(draft: Draft) -> None:
    """``lora_target_linear`` adds every linear layer; with neither key axolotl targets nothing."""
    flag = draft.find(["lora_target_linear"])
    value = draft.plain("lora_target_linear")
    if flag is not None and value is True:
        draft.conclude("target_modules", "all-linear", flag, "lora_target_linear: true")
    elif flag is not None and value is None:
        draft.write("target_modules", flag, unknown("lora_target_linear is unknown"), "")
    elif "target_modules" not in draft.settings and not draft.find(
        ["lora_model_dir", "lora_target_parameters"]
    ):
        draft.default("target_modules", [], key="lora_target_modules")


def axolotl_quantization(draft: Draft) -> None:
    """4 bits only with ``adapter: qlora``, 8 bits only with ``adapter: lora``."""
    adapter = draft.plain("adapter")
    for name, needed in (("load_in_4bit", "qlora"), ("load_in_8bit", "lora")):
        found = draft.find([name])
        if found is None or draft.plain(name) is not True or adapter is None or adapter == needed:
            continue
        reason = f"axolotl heeds {name} only with adapter: {needed}"
        draft.conclude(name, False, found, reason)


def axolotl_attention(draft: Draft) -> None:
    """The older flags, one of which may be set."""
    for key, meant in AXOLOTL_ATTENTION.items():
        found = draft.find([key])
        if found is not None and draft.plain(key) is True:
            if "attn_implementation" not in draft.settings:
                draft.conclude("attn_implementation", meant, found, f"{key}: true")
            return


def axolotl_loftq(draft: Draft) -> None:
    """``peft.loftq_config.loftq_bits`` asks for LoftQ."""
    found = draft.find(["peft.loftq_config.loftq_bits"])
    if found is not None and "init_lora_weights" not in draft.settings:
        draft.conclude("init_lora_weights", "loftq", found, "peft.loftq_config is there")


def llamafactory_pissa(draft: Draft) -> None:
    """``pissa_init`` with its number of iterations, 16 unless written; -1 is an exact SVD."""
    found = draft.find(["pissa_init"])
    if found is None or draft.plain("pissa_init") is not True:
        return
    steps = draft.plain("pissa_iter")
    steps = 16 if steps is None else steps
    value = "pissa" if steps == -1 else f"pissa_niter_{steps}"
    draft.conclude("init_lora_weights", value, found, "pissa_init: true")


def llamafactory_quantization(draft: Draft) -> None:
    """``quantization_bit`` means bitsandbytes unless ``quantization_method`` says otherwise."""
    method = draft.plain("quantization_method")
    if method not in (None, "bnb", "bitsandbytes"):
        for name in ("load_in_4bit", "load_in_8bit"):
            draft.settings.pop(name, None)


def litgpt_targets(draft: Draft) -> None:
    """Six switches to what is adapted; all but the head is every linear layer."""
    on: set[str] = set()
    first: Found | None = None
    for part in LITGPT_PARTS:
        found = draft.find([f"lora_{part}"])
        value = draft.plain(f"lora_{part}")
        first = first or found
        if found is not None and value is None:
            draft.write("target_modules", found, unknown(f"lora_{part} is unknown"), "")
            return
        if value is True or (found is None and part in LITGPT_ON):
            on.add(part)
    everything = on >= set(LITGPT_PARTS) - {"head"}
    value = "all-linear" if everything else [part for part in LITGPT_PARTS if part in on]
    if first is None:
        draft.default("target_modules", value, key="lora_query")
    else:
        draft.conclude("target_modules", value, first, "lora_query, lora_key, lora_value, …")


def litgpt_quantization(draft: Draft) -> None:
    """``bnb.nf4-dq`` is 4 bits, NF4, nested; ``bnb.int8-training`` is 8 bits."""
    found = draft.find(["quantize"])
    written = draft.plain("quantize")
    if found is None:
        return
    if not isinstance(written, str):
        draft.write("load_in_4bit", found, unknown("quantize is unknown"), "")
        return
    source = f"quantize: {written}"
    kind = written.removeprefix("bnb.")
    if kind.startswith("int8"):
        draft.conclude("load_in_8bit", True, found, source)
        return
    draft.conclude("load_in_4bit", True, found, source)
    draft.conclude("bnb_4bit_quant_type", kind.partition("-")[0], found, source)
    draft.conclude("bnb_4bit_use_double_quant", kind.endswith("-dq"), found, source)


def torchtune_targets(draft: Draft) -> None:
    """Four attention projections and the MLP together are every linear layer of a block."""
    setting = draft.settings.get("target_modules")
    if setting is None or not setting.known:
        return
    found = draft.find(["model.lora_attn_modules"])
    names = setting.value
    mlp = draft.find(["model.apply_lora_to_mlp"])
    if found is None or not isinstance(names, list) or mlp is None:
        return
    value = draft.plain("model.apply_lora_to_mlp")
    source = f"{found.key} and {mlp.key}"
    if value is None:
        draft.write("target_modules", found, unknown(f"{mlp.key} is unknown"), source)
    elif value is True and set(names) >= TORCHTUNE_ATTENTION:
        draft.conclude("target_modules", "all-linear", found, source)
    elif value is True:
        draft.conclude("target_modules", [*names, "w1", "w2", "w3"], found, source)


def torchtune_quantization(draft: Draft) -> None:
    """Builders called ``qlora_…`` quantize to NF4 (torchao), as does ``quantize_base``."""
    builder = draft.plain("model._component_")
    found = draft.find(["model.quantize_base"])
    if found is None and isinstance(builder, str):
        found = draft.find(["model._component_"])
        if found is None or not builder.rpartition(".")[2].startswith("qlora_"):
            return
        draft.conclude("load_in_4bit", True, found, f"{found.key}: {builder}")
    elif found is not None:
        draft.write("load_in_4bit", found, draft.values(found, "load_in_4bit"))
    if found is not None and draft.is_true("load_in_4bit"):
        draft.conclude("bnb_4bit_quant_type", "nf4", found, "torchao's only 4-bit type")


def torchtune_base(draft: Draft) -> None:
    """The base model is known by the folder that ``tune download`` made for it."""
    found = draft.find(["checkpointer.checkpoint_dir"])
    if found is None or not isinstance(found.node, Scalar):
        return
    folder = draft.values(found, "").candidates
    if folder and isinstance(folder[0], str):
        draft.conclude("model_name_or_path", folder[0], found, f"{found.key}: {folder[0]}")


def swift_quantization(draft: Draft) -> None:
    """``quant_bits`` is bitsandbytes' with ``quant_method: bnb``, or before there was a method."""
    found = draft.find(["quant_bits", "quantization_bit"])
    if found is None:
        return
    method = draft.plain("quant_method")
    if method not in (None, "bnb"):
        draft.conclude("quant_method", method, found, f"quant_method: {method}")
        return
    bits = draft.plain("quant_bits", "quantization_bit")
    for name, width in (("load_in_4bit", 4), ("load_in_8bit", 8)):
        draft.conclude(name, bits in (width, str(width)), found, f"{found.key}: {bits}")


def swift_datasets(draft: Draft) -> None:
    """``id:subset#500`` takes 500 rows of a data set, repeating them if there are fewer."""
    setting = draft.settings.get("train_dataset")
    found = draft.find(["dataset"])
    if setting is None or found is None or not setting.known or not isinstance(setting.value, list):
        return
    parts = [str(item).rpartition("#") for item in setting.value]
    limits = [int(count) if name and count.isdigit() else None for name, _, count in parts]
    if not any(limit is not None for limit in limits):
        return
    names = [
        name if limit is not None else f"{name}{mark}{count}"
        for (name, mark, count), limit in zip(parts, limits, strict=True)
    ]
    draft.write("train_dataset", found, Values((names,)))
    known = [limit for limit in limits if limit is not None]
    if len(known) == len(limits):
        draft.conclude("max_samples", max(known), found, "the number after # in dataset")


def mlx_alpha(draft: Draft) -> None:
    """mlx-lm multiplies by ``scale`` itself (20 unless written): alpha is scale times rank."""
    scale, rank = draft.plain("lora_parameters.scale"), draft.plain("lora_parameters.rank")
    found = draft.find(["lora_parameters.scale", "lora_parameters.rank"])
    scale = 20.0 if draft.find(["lora_parameters.scale"]) is None else scale
    rank = 8 if draft.find(["lora_parameters.rank"]) is None else rank
    if found is None:
        draft.default("lora_alpha", 160.0, key="lora_parameters.scale")
    elif isinstance(scale, int | float) and isinstance(rank, int | float):
        source = f"scale {scale:g} x rank {rank:g}, mlx-lm's multiplier"
        draft.conclude("lora_alpha", scale * rank, found, source)
    else:
        draft.write("lora_alpha", found, unknown("scale or rank is unknown"), "scale x rank")


def nemo_targets(draft: Draft) -> None:
    """``match_all_linear`` overrides the patterns, and takes the output head too."""
    found = draft.find(["peft.match_all_linear"])
    if found is not None and draft.plain("peft.match_all_linear") is True:
        draft.conclude("target_modules", "all-linear", found, "match_all_linear: true")
    elif "exclude_modules" in draft.settings and "target_modules" not in draft.settings:
        excluded = draft.find(["peft.exclude_modules"])
        if excluded is not None:
            draft.conclude("target_modules", "all-linear", excluded, "all but exclude_modules")


def oumi_quantization(draft: Draft) -> None:
    """``q_lora`` quantizes to ``q_lora_bits``, 4 unless written."""
    found = draft.find(["peft.q_lora"])
    if found is None:
        return
    value, bits = draft.plain("peft.q_lora"), draft.plain("peft.q_lora_bits")
    if not isinstance(value, bool):
        draft.write("load_in_4bit", found, unknown("peft.q_lora is unknown"))
        return
    width = 4 if bits is None else bits
    draft.conclude("load_in_4bit", value and width == 4, found, f"peft.q_lora: {value}".lower())
    draft.conclude("load_in_8bit", value and width == 8, found, f"peft.q_lora: {value}".lower())


def ludwig_quantization(draft: Draft) -> None:
    """A ``quantization`` block means 4 bits unless it says otherwise."""
    block = draft.find(["quantization"])
    if block is None:
        return
    found = draft.find(["quantization.bits"])
    bits = 4 if found is None else draft.plain("quantization.bits")
    said = found or block
    draft.conclude("load_in_4bit", bits == 4, said, f"{said.key}: {bits}")
    draft.conclude("load_in_8bit", bits == 8, said, f"{said.key}: {bits}")


def foundry_duration(draft: Draft) -> None:
    """``2ep`` is two epochs, ``1000ba`` a thousand batches."""
    found = draft.find(["max_duration"])
    match = re.fullmatch(r"(\d+)(ep|ba)", str(draft.plain("max_duration")))
    if found is not None and match:
        name = "num_train_epochs" if match[2] == "ep" else "max_steps"
        draft.conclude(name, int(match[1]), found, f"max_duration: {match[0]}")


def trl_precision(draft: Draft) -> None:
    """TRL trains in bfloat16 unless ``fp16`` is asked for."""
    if not draft.is_true("fp16") and "bf16" not in draft.settings:
        draft.default("bf16", True)


DERIVATIONS: Mapping[str, Callable[[Draft], None]] = {
    function.__name__: function
    for function in (
        axolotl_targets,
        axolotl_quantization,
        axolotl_attention,
        axolotl_loftq,
        llamafactory_pissa,
        llamafactory_quantization,
        litgpt_targets,
        litgpt_quantization,
        torchtune_targets,
        torchtune_quantization,
        torchtune_base,
        swift_quantization,
        swift_datasets,
        mlx_alpha,
        nemo_targets,
        oumi_quantization,
        ludwig_quantization,
        foundry_duration,
        trl_precision,
    )
}
