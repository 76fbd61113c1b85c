"""How axolotl behaves."""

from __future__ import annotations

from collections.abc import Callable

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import (
    Behaviour,
)

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft

ATTENTION = {
    "flash_attention": "flash_attention_2",
    "sdp_attention": "sdpa",
    "flex_attention": "flex_attention",
    "xformers_attention": "xformers",
    "sage_attention": "sage",
    "eager_attention": "eager",
}
"""Its older flags, and what each stands for."""
ISOLATING = ("flash", "sdpa", "eager", "flex", "xformers", "sage", "fa2", "fa3")
"""Attentions with which it keeps packed examples apart."""


class Framework(Behaviour):
    """A recipe that axolotl reads.

    Checkpointing is reentrant (``utils/config/__init__.py``). Which versions switch LoRA kernels
    on by themselves was not looked up, so any may.
    """

    adapter_as_written = True
    numbers_from_text = True
    lists_linear_layers = True
    drops_dropout_on_experts = True
    launcher_keys = frozenset({"use_cpu"})
    evaluates_by_interval = True
    files_are_datasets = True
    keep_apart = "Set attn_implementation to flash_attention_2 or sdpa."
    trainer = "axolotl"
    reentrant = True
    kernels_unasked = True
    loss_switch = "axolotl's CutCrossEntropyPlugin"
    four_bit_adapter = "qlora"

    def derive(self, draft: Draft) -> None:
        """Targets, quantization, attention and LoftQ, each from several keys."""
        _targets(draft)
        _quantization(draft)
        _attention(draft)
        _loftq(draft)

    def key(self, setting: str) -> str:
        """Targets of parameters have a prefix."""
        return f"lora_{setting}" if setting == "target_parameters" else setting

    def quantizes_experts(self, *, all_linear: bool) -> tuple[bool, str]:
        """It can, but refuses it beside ``lora_target_linear``."""
        if not all_linear:
            return True, "Set `quantize_moe_experts: true`."
        return False, (
            "Set `quantize_moe_experts: true` and name the layers, not `lora_target_linear`."
        )

    def mixes_packed(
        self,
        attention: str | None,
        method: str | None,
        is_true: Callable[[str], bool],
    ) -> str:
        """With an attention that does not know of borders."""
        if attention is None or not any(word in attention.lower() for word in ISOLATING):
            given = f"{attention} attention" if attention else "no attn_implementation"
            return f"axolotl warns that it does not keep them apart with {given}"
        return ""

    def evaluates_other_rows(self, value: Callable[[str], object]) -> bool:
        """Unless an entry of ``test_datasets`` takes the same part as one of ``datasets``."""
        train, test = value("datasets"), value("test_datasets")
        if not isinstance(train, list) or not isinstance(test, list):
            return True
        return not {_entry(each) for each in train} & {_entry(each) for each in test}


def _entry(item: object) -> tuple[str, ...]:
    if not isinstance(item, dict):
        return ("?",)
    return tuple(str(item.get(name)) for name in ("path", "name", "split", "data_files", "shards"))


def _targets(draft: Draft) -> None:
    """``lora_target_linear`` adds every linear layer; with neither key it targets nothing."""
    flag = draft.find(["lora_target_linear"])
    value = draft.plain("lora_target_linear")
    if flag is not None and value is True:
        if "target_modules" in draft.settings:
            draft.take_from("targets_beside_all", "lora_target_modules")
        draft.conclude("target_modules", "all-linear", flag, "lora_target_linear: true")
    elif flag is not None and value is None:
        draft.leave_open("target_modules", flag, "lora_target_linear is unknown")
    elif "target_modules" not in draft.settings and not draft.find(
        ["lora_model_dir", "lora_target_parameters"]
    ):
        draft.default("target_modules", [], key="lora_target_modules")


def _quantization(draft: Draft) -> None:
    """4 bits only with ``adapter: qlora``, 8 bits only with ``adapter: lora``."""
    adapter = draft.plain("adapter")
    for name, needed in (("load_in_4bit", "qlora"), ("load_in_8bit", "lora")):
        found = draft.find([name])
        if found is None or draft.plain(name) is not True or adapter is None or adapter == needed:
            continue
        reason = f"axolotl reads {name} only with adapter: {needed}"
        draft.conclude(name, False, found, reason)
    if adapter == "lora":  # what qlora does not go with, axolotl refuses
        _ignored_by_lora(draft)


def _ignored_by_lora(draft: Draft) -> None:
    """What is about 4 bits, unless experts are quantized apart (``quantize_moe_experts``)."""
    four = draft.find(["load_in_4bit"])
    experts = draft.find(["quantize_moe_experts"])
    if four is not None and draft.plain("load_in_4bit") is True and experts is None:
        draft.ignores(
            four,
            "axolotl loads the base model in 4 bit only with adapter: qlora",
            "Write adapter: qlora, or remove load_in_4bit.",
            quantizes=True,
        )
    options = draft.find(["bnb_config_kwargs"])
    if options is not None and not _is_off(draft, "load_in_4bit"):
        draft.ignores(
            options,
            "axolotl reads it only with adapter: qlora",
            "Write adapter: qlora and load_in_4bit: true, or remove it.",
            quantizes=True,
        )


def _is_off(draft: Draft, key: str) -> bool:
    """Whether the file says itself that it is off."""
    return draft.is_there(key) and draft.plain(key) in (None, False)


def _attention(draft: Draft) -> None:
    """The older flags, one of which may be set."""
    for key, meant in ATTENTION.items():
        found = draft.find([key])
        if found is not None and draft.plain(key) is True:
            if "attn_implementation" not in draft.settings:
                draft.conclude("attn_implementation", meant, found, f"{key}: true")
            return


def _loftq(draft: Draft) -> None:
    """``peft.loftq_config.loftq_bits`` asks for LoftQ."""
    found = draft.find(["peft.loftq_config.loftq_bits"])
    if found is None:
        return
    if draft.plain("peft_init_lora_weights"):  # a false one does not count for axolotl
        draft.ignores(
            found,
            "axolotl takes peft_init_lora_weights, which stands beside it, and PEFT reads a "
            "loftq_config only for LoftQ",
            "Remove one of the two.",
        )
    elif "init_lora_weights" not in draft.settings:
        draft.conclude("init_lora_weights", "loftq", found, "peft.loftq_config is there")
