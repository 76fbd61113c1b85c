"""How LLaMA-Factory behaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import (
    Behaviour,
)
from lora_rules.engine.unquantized import ignores_how

if TYPE_CHECKING:
    from lora_rules.engine.declarations import Complaint
    from lora_rules.engine.draft import Draft
    from lora_rules.repository import Repository


class Framework(Behaviour):
    """A recipe that LLaMA-Factory reads.

    It trains with transformers' Trainer, with a float32 adapter (``cast_trainable_params_to_fp32``)
    and without k-bit preparation (``llamafactory/model/adapter.py``, ``model_utils/``), and
    checkpoints reentrantly (``use_reentrant_gc``).
    """

    package = "llamafactory"
    yaml_1_2_since = "0.9.4"  # OmegaConf.load in hparams/parser.py, yaml.safe_load before
    names_as_written = True
    all_linear_of_text = True
    refuses_repeated_keys = True
    ties_saved_modules = False
    files_are_datasets = True
    prediction_keys = frozenset({"do_predict", "do_eval"})
    training_key = "do_train"
    templates_are_llamafactorys = True
    keep_apart = "Set neat_packing to true."
    packing_mask = "neat_packing"
    trainer = "transformers"
    adapter_dtype = "fp32"
    loads_in_run_dtype = True
    prepares_kbit = False
    reentrant = True
    refuses_init_over_quantized = True
    refuses_quantized_when_sharded = True
    dequantizes: Mapping[str, str] = {"fp8": "0.9.4", "mxfp4": "0.9.4"}
    loss_switch = "`enable_liger_kernel: true`"

    def derive(self, draft: Draft) -> None:
        """PiSSA from two keys; a quantization that is not bitsandbytes'."""
        _pissa(draft)
        _resized(draft)
        _unquantized(draft)
        _stored(draft)
        _rewarded(draft)
        if draft.plain("quantization_method") not in (None, "bnb", "bitsandbytes"):
            draft.without("load_in_4bit", "load_in_8bit")

    def data_complaints(
        self, names: Sequence[str], method: str, folder: str, repository: Repository
    ) -> Iterable[Complaint]:
        """Those of ``dataset_info.json``, unless the data come from the hub by their names."""
        if folder == "ONLINE" or folder.startswith("REMOTE:"):
            return ()
        from lora_rules.frameworks.llamafactory.dataset_info import complaints  # few are declared

        return complaints(names, method, folder, repository)

    def mixes_packed(
        self,
        attention: str | None,
        method: str | None,
        is_true: Callable[[str], bool],
    ) -> str:
        """Supervised examples, unless ``neat_packing`` is on."""
        if method == "sft" and not is_true("neat_packing"):
            return "LLaMA-Factory keeps them apart only with neat_packing"
        return ""


BITS = ("quantization_bit", "ref_model_quantization_bit", "reward_model_quantization_bit")
"""For each of its models: whether it is quantized as the keys below say."""
HOW = ("quantization_method", "quantization_type", "double_quantization")


def _unquantized(draft: Draft) -> None:
    """How to quantize is not read without the number of bits; a null is a switch that is off."""
    ignores_how(
        draft,
        BITS,
        HOW,
        "LLaMA-Factory quantizes only where quantization_bit is given",
        "Write quantization_bit: 4, or remove it.",
    )


def _stored(draft: Draft) -> None:
    """A checkpoint that is quantized is loaded as it is (``model_utils/quantization.py``).

    Most have 4 bits: then the file says what happens, unless the name says 8.
    """
    found = draft.find(["quantization_bit"])
    bits, name = draft.plain("quantization_bit"), str(draft.plain("model_name_or_path")).lower()
    if found is None or bits is None:
        return
    if str(bits) != "4" or any(word in name for word in ("int8", "8bit", "8-bit", "fp8")):
        draft.ignores(
            found,
            "the base model is stored quantized, and LLaMA-Factory loads it as it is stored",
            "Remove it, or name the model in 16 bit.",
            of_stored=True,
        )


def _rewarded(draft: Draft) -> None:
    """With LoRA the reward model is an adapter over the policy (``train/trainer_utils.py``)."""
    if draft.plain("stage") != "ppo" or draft.find(["reward_model"]) is None:
        return
    if draft.is_there("reward_model_type") and draft.plain("reward_model_type") != "lora":
        return
    for key in ("reward_model_adapters", "reward_model_quantization_bit"):
        found = draft.find([key])
        if found is not None and draft.plain(key) is not None:
            draft.ignores(
                found,
                "with reward_model_type: lora, reward_model itself is the adapter's folder",
                "Write reward_model_type: full, or the adapter's folder in reward_model.",
            )


RESIZES = ("add_tokens", "add_special_tokens", "new_special_tokens_config", "new_special_tokens")
"""Keys that add tokens, for which the embedding gets rows."""
WHOLE = ["embed_tokens", "lm_head"]
"""What most models call the input embedding and the output head."""


def _resized(draft: Draft) -> None:
    """With a larger vocabulary, embedding and head are trained whole (``model/adapter.py``)."""
    found = draft.find(RESIZES)
    if found is None and draft.plain("resize_vocab") is True:
        found = draft.find(["resize_vocab"])
    if found is not None and "modules_to_save" not in draft.settings:
        draft.conclude(
            "modules_to_save", WHOLE, found, f"{found.key}: both are resized and trained whole"
        )


def _pissa(draft: Draft) -> None:
    """``pissa_init`` with its number of iterations, 16 unless written; -1 is an exact SVD."""
    found = draft.find(["pissa_init"])
    if found is None or draft.plain("pissa_init") is not True:
        return
    steps = draft.plain("pissa_iter")
    steps = 16 if steps is None else steps
    value = "pissa" if steps == -1 else f"pissa_niter_{steps}"
    draft.conclude("init_lora_weights", value, found, "pissa_init: true")
