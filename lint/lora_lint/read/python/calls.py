"""The calls that we know: who is called, what it is for, and what it calls its settings."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.typed import NamedTuple


class Known(NamedTuple):
    """A call that says something about a fine-tune."""

    callee: str
    kind: str
    """``adapter``, ``wrap``, ``prepare``, ``model``, ``quantization``, ``training``, ``trainer``,
    ``dataset`` or ``cli`` (TRL's ``ModelConfig``)."""
    names: Mapping[str, str] = {}
    """Keywords whose setting has another name."""
    only: frozenset[str] = frozenset()
    """The keywords that are settings, when not all are."""
    positional: tuple[str, ...] = ()
    """What its positional arguments are, as far as they matter here."""
    source: str = ""
    """Who sets the defaults, as a message would say it."""
    fixed: Mapping[str, object] = {}
    """Settings that follow from the callee alone."""
    if_none: Mapping[str, object] = {}
    """What a default of ``None`` means for a setting."""


_TRAINING_NAMES = {
    "max_seq_length": "max_length",
    "evaluation_strategy": "eval_strategy",
    "activation_checkpointing": "gradient_checkpointing",
    "activation_checkpointing_kwargs": "gradient_checkpointing_kwargs",
}
_IF_NONE = {"gradient_checkpointing": False}
"""Since transformers 5.24 its two names are ``None`` until one is given, which means off."""
_MODEL_NAMES = {
    "pretrained_model_name_or_path": "model_name_or_path",
    "model_name": "model_name_or_path",
    "torch_dtype": "dtype",
    "max_seq_length": "max_length",
    "use_gradient_checkpointing": "gradient_checkpointing",
}
_MODEL_SETTINGS = frozenset(
    [
        "pretrained_model_name_or_path",
        "model_name",
        "torch_dtype",
        "dtype",
        "load_in_4bit",
        "load_in_8bit",
        "attn_implementation",
        "use_flash_attention_2",
        "device_map",
        "trust_remote_code",
        "max_seq_length",
        "full_finetuning",
        "use_gradient_checkpointing",
        "use_cache",
        "revision",
        "low_cpu_mem_usage",
        "num_labels",
    ]
)
_TRAINER_SETTINGS = frozenset(
    ["max_seq_length", "packing", "dataset_text_field", "dataset_num_proc", "neftune_noise_alpha"]
)
_METHODS = [
    "SFT",
    "DPO",
    "GRPO",
    "KTO",
    "Reward",
    "ORPO",
    "CPO",
    "RLOO",
    "PPO",
    "OnlineDPO",
    "GKD",
    "BCO",
    "XPO",
    "NashMD",
    "PRM",
]
_UNSLOTH = (
    "FastLanguageModel",
    "FastModel",
    "FastVisionModel",
    "FastTextModel",
    "FastSentenceTransformer",
)

_FIXED = (
    Known("peft.LoraConfig", "adapter", source="PEFT", fixed={"peft_type": "LORA"}),
    Known(
        "peft.AdaLoraConfig",
        "adapter",
        {"init_r": "r", "r": "unused_r"},  # PEFT warns of r, and does not read it
        source="PEFT",
        fixed={"peft_type": "ADALORA"},
    ),
    Known("peft.get_peft_model", "wrap", positional=("model", "peft_config")),
    Known(
        "peft.prepare_model_for_kbit_training",
        "prepare",
        {"use_gradient_checkpointing": "gradient_checkpointing"},
        frozenset(["use_gradient_checkpointing"]),
        ("model",),
    ),
    Known("peft.prepare_model_for_int8_training", "prepare", {}, frozenset(["-"]), ("model",)),
    Known(
        "peft.PeftModel.from_pretrained",
        "continue",
        {"model_id": "adapter_name_or_path"},
        frozenset(["model_id"]),
        ("model", "model_id"),
    ),
    *(
        Known(f"peft.{name}.from_pretrained", "continue", {}, frozenset(["-"]), ("model_id",))
        for name in ("AutoPeftModel", "AutoPeftModelForCausalLM")
    ),
    Known(
        "transformers.BitsAndBytesConfig",
        "quantization",
        source="bitsandbytes through transformers",
    ),
    Known(
        "trl.ModelConfig",
        "cli",
        {
            "torch_dtype": "dtype",
            "lora_r": "r",
            "lora_target_modules": "target_modules",
            "lora_target_parameters": "target_parameters",
            "lora_modules_to_save": "modules_to_save",
            "lora_task_type": "task_type",
            "use_bnb_nested_quant": "bnb_4bit_use_double_quant",
        },
        source="TRL's ModelConfig",
        fixed={"peft_type": "LORA"},
    ),
    Known("transformers.Trainer", "trainer", only=_TRAINER_SETTINGS, positional=("model", "args")),
    Known(
        "transformers.Seq2SeqTrainer",
        "trainer",
        only=_TRAINER_SETTINGS,
        positional=("model", "args"),
    ),
    Known("datasets.load_dataset", "dataset", positional=("path", "name")),
    Known("datasets.load_from_disk", "dataset", positional=("path",)),
)


def _table() -> dict[str, Known]:
    table = {known.callee: known for known in _FIXED}
    for name in ("TrainingArguments", "Seq2SeqTrainingArguments"):
        callee = f"transformers.{name}"
        table[callee] = Known(
            callee,
            "training",
            _TRAINING_NAMES,
            source=f"transformers' {name}",
            if_none=_IF_NONE,
        )
    for method in _METHODS:
        callee = f"trl.{method}Config"
        fixed = {"trainer_method": method.lower()}
        table[callee] = Known(
            callee,
            "training",
            _TRAINING_NAMES,
            source=f"TRL's {method}Config",
            fixed=fixed,
            if_none=_IF_NONE,
        )
        callee = f"trl.{method}Trainer"
        table[callee] = Known(
            callee, "trainer", _TRAINING_NAMES, _TRAINER_SETTINGS, ("model",), fixed=fixed
        )
    table["unsloth.UnslothTrainingArguments"] = Known(
        "unsloth.UnslothTrainingArguments",
        "training",
        _TRAINING_NAMES,
        positional=("embedding_learning_rate",),
        source="Unsloth's UnslothTrainingArguments",
        fixed={"trainer_method": "sft"},
    )
    table["unsloth.UnslothTrainer"] = Known(
        "unsloth.UnslothTrainer",
        "trainer",
        _TRAINING_NAMES,
        _TRAINER_SETTINGS,
        ("model",),
        fixed={"trainer_method": "sft"},
    )
    for name in _UNSLOTH:
        callee = f"unsloth.{name}.get_peft_model"
        table[callee] = Known(
            callee,
            "adapter",
            _MODEL_NAMES,
            positional=("model", "r", "target_modules"),
            source="Unsloth",
            fixed={"peft_type": "LORA"},
        )
        callee = f"unsloth.{name}.from_pretrained"
        table[callee] = Known(
            callee, "model", _MODEL_NAMES, _MODEL_SETTINGS, ("model_name",), source="Unsloth"
        )
    return table


KNOWN = _table()

_LOADED = Known(
    "transformers.AutoModel.from_pretrained",
    "model",
    _MODEL_NAMES,
    _MODEL_SETTINGS,
    ("pretrained_model_name_or_path",),
    source="transformers",
)
_NOT_MODELS = ("Tokenizer", "Config", "Processor", "Extractor", "Scheduler", "Adapter")

LAST_NAMES = frozenset(callee.rpartition(".")[2] for callee in KNOWN) | {"from_pretrained"}
"""The last part of every callee: most calls of a file are put aside by it."""


def positional_names(known: Known, count: int) -> tuple[str, ...]:
    """The names of a call's first positional arguments: at least ``count``, if they are known.

    What :class:`Known` does not name is looked up in the library's signatures.
    """
    if count <= len(known.positional):
        return known.positional
    from lora_rules.libraries import signatures  # imported here: most calls give keywords only

    names = signatures.positional(known.callee)
    return names if len(names) > len(known.positional) else known.positional


def find(callee: str) -> Known | None:
    """What we know about a qualified callee."""
    known = KNOWN.get(callee)
    if known is not None:
        return known
    root, _, rest = callee.partition(".")
    owner, _, method = rest.rpartition(".")
    if root == "peft" and method == "from_pretrained":
        for general in ("PeftModel", "AutoPeftModel"):
            if owner.startswith(f"{general}For"):
                return KNOWN[f"peft.{general}.from_pretrained"]._replace(callee=callee)
    if root in {"transformers", "trl", "auto_gptq", "diffusers"} and method == "from_pretrained":
        is_model = owner[:1].isupper() and not any(word in owner for word in _NOT_MODELS)
        if is_model and (
            owner.startswith("AutoModel") or "For" in owner or owner.endswith("Model")
        ):
            return Known(
                callee,
                "model",
                _LOADED.names,
                _LOADED.only,
                _LOADED.positional,
                _LOADED.source,
            )
    return None
