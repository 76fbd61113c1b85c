"""Why the worst run of each source is as far off as it is. For ``memory_tables.py``."""

from __future__ import annotations

_OTHER_CODE = (
    "LitGPT's layers are not transformers': one fused projection, and Phi's activation function is"
    " one kernel where transformers' `gelu_new` keeps four tensors"
)
_KEPT = (
    f"{_OTHER_CODE}; bitsandbytes before 0.44 kept each layer's input, and tensors of the step"
    " before live on"
)
_QWEN = "remote code of 2023 and a method of measuring that is not stated"

WHY: dict[str, str] = {
    "PEFT method comparison (lengths inferred)": "one inferred length (656) stands for all runs",
    "LitGPT hub, bf16 (other code)": _OTHER_CODE,
    "LitGPT hub, NF4 (other code)": (
        f"{_KEPT}; transformers does not quantize Falcon's own linear class, LitGPT does"
    ),
    "LitGPT resource table, bf16 (other code)": _OTHER_CODE,
    "LitGPT resource table, NF4 (other code)": _KEPT,
    "Qwen 1 README, LoRA": _QWEN,
    "Qwen 1 README, LoRA(emb)": (
        f"{_QWEN}; PEFT trains float32 copies of embedding and head, that code 16-bit ones"
    ),
    "Qwen 1 README, ZeRO-3": "how much ZeRO-3 gathers ahead depends on settings not stated",
    "ms-swift v2 (varying lengths)": (
        "batches of every length up to the cap fragment the cache, which one step at the cap does"
        " not show"
    ),
    "Unsloth context limits, HF + FA2": (
        "the card is an upper limit, the longest context found a step below it"
    ),
    "Unsloth context limits, Unsloth": "Unsloth's own kernels keep less of a layer",
    "PEFT guides, 70B on several GPUs": (
        "offloading to the host is not modelled; of the others, what FSDP gathers ahead"
    ),
    "fitcheck T4, sweep (fitted on)": (
        "allocated: blocks that are not split; reserved: one block of eager scores, or the holes"
        " that k-bit preparation leaves"
    ),
    "fitcheck T4, final and phase 3": (
        "as in the sweep: eager scores in the worst, k-bit preparation of Qwen's large vocabulary"
        " in the others"
    ),
    "fitcheck T4, boundary": (
        "closed form: a full card, where the allocator gives cached segments back before it fails;"
        " simulator: the holes that loading in 4 bit and k-bit preparation leave"
    ),
    "torchtune README (compiled)": (
        "torch.compile fuses what is kept without checkpointing; neither model compiles"
    ),
    "axolotl examples (rounded)": (
        "rounded numbers of runs whose batches are not stated; Olmo 3's is 11.3 GiB where models of"
        " its size take 8"
    ),
}
"""By source, as a reader of the table would want it."""
