"""The vocabulary: every setting that the linter reads, declared once.

What a setting may be, who owns it, where ``show`` lists it and what a hover says of it follow from
its declaration here. Allowed values and defaults do not stand here: they come from the library that
owns the setting, by version (:mod:`lora_rules.libraries`). A keyword of ``LoraConfig``,
``TrainingArguments`` and the like that no rule and no reader treats in a way of its own is a
setting too, and needs no line here: ``libraries/signatures.json`` has them all.

A type is written as a rule annotates its parameter: ``int``, ``float``, ``bool``, ``str``,
``list[str]``, ``list[int]``, ``list[list[int]]``, ``dict[str, object]``, ``VersionRange``,
``object``, or several of these with ``|`` between them. A ``float`` may be a whole number. What
follows from it:

- a list that is written for a setting of a list type is its value, for any other setting a sweep;
  the same holds for mappings;
- text such as ``2e-4`` or ``"true"`` counts as the number or flag that it says, where the setting
  cannot be text and the framework reads it so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lora_rules.engine._startup.typed import Literal, NamedTuple

Owner = Literal[
    "peft",
    "bitsandbytes",
    "transformers",
    "trl",
    "framework",
    "declaration",
    "derived",
]
"""Who defines what the setting means: a library, the frameworks that build on these, whoever
declares something beside the recipe, or we, who derive it from several keys."""
Group = Literal["model", "adapter", "quantization", "training", "data", "declared", "surroundings"]
"""The heading that ``show`` lists it under; what is around a call is not listed."""


class Declared(NamedTuple):
    """The declaration of one setting."""

    name: str
    type: str
    owner: Owner
    group: Group
    doc: str
    """What it means, in a sentence."""
    principal: bool = False
    """Whether a reader wants to see it even when nobody wrote it."""
    needs_adapter: bool = False
    """Whether it says nothing unless there is an adapter."""
    never: tuple[object, ...] = ()
    """What a default of a command-line flag may be only as a sign that nothing is given."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of which its value has one."""
        return tuple(self.type.split(" | "))

    @property
    def takes_list(self) -> bool:
        """Whether a list is a value of it, and not a sweep over several."""
        return "list[" in self.type

    @property
    def takes_list_of_lists(self) -> bool:
        """Whether a list of lists is one value of it, and not a sweep over lists."""
        return "list[list[" in self.type

    @property
    def takes_mapping(self) -> bool:
        """Whether a mapping is a value of it."""
        return "dict[" in self.type

    @property
    def is_number(self) -> bool:
        """Whether text that looks like a number is one."""
        return "str" not in self.kinds and ("int" in self.kinds or "float" in self.kinds)

    @property
    def is_flag(self) -> bool:
        """Whether text such as ``"true"`` is what it says."""
        return "str" not in self.kinds and "bool" in self.kinds


# fmt: off
_DECLARED = (
    # The base model.
    Declared("model_name_or_path", "str", "transformers", "model", principal=True, never=(None, ""),
             doc="The base model: an id on the hub, or a folder."),
    Declared("adapter_name_or_path", "str", "framework", "model", principal=True,
             doc="A trained adapter that the run continues from, or loads."),
    Declared("dtype", "str", "transformers", "model", principal=True,
             doc="The type that the base model's weights are loaded in."),
    Declared("attn_implementation", "str", "transformers", "model", principal=True,
             doc="Which code computes attention; its memory differs with length."),
    Declared("device_map", "dict[str, object] | str", "transformers", "model", principal=True,
             doc="Which device each part of the base model is loaded on."),
    Declared("model_init_kwargs", "dict[str, object]", "trl", "model",
             doc="Keyword arguments with which the trainer loads the base model."),
    Declared("trust_remote_code", "bool", "transformers", "model",
             doc="Whether code that comes with the base model may run."),
    Declared("num_labels", "int", "transformers", "model",
             doc="How many classes the head of a classifier has."),
    Declared("base_model_name_or_path", "str", "peft", "model",
             doc="The base model that PEFT writes into the adapter's record."),
    # The adapter.
    Declared("lora_enabled", "bool", "derived", "adapter", principal=True,
             doc="Whether the run trains a LoRA adapter at all."),
    Declared("peft_type", "str", "peft", "adapter", principal=True,
             doc="The kind of adapter."),
    Declared("r", "int", "peft", "adapter", principal=True, needs_adapter=True, never=(None, 0),
             doc="The rank: each adapted layer gets r x (inputs + outputs) trained numbers."),
    Declared("lora_alpha", "float", "peft", "adapter",
             principal=True, needs_adapter=True, never=(None, 0),
             doc="The adapter's output is scaled by lora_alpha / r, or lora_alpha / sqrt(r) with "
                 "use_rslora."),
    Declared("lora_dropout", "float", "peft", "adapter",
             principal=True, needs_adapter=True, never=(None,),
             doc="The share of the adapter's inputs that is set to zero at each training step."),
    Declared("target_modules", "list[str] | str", "peft", "adapter",
             principal=True, needs_adapter=True,
             doc="The layers that get an adapter: ends of their names, one regular expression for "
                 "the whole path, or `all-linear`."),
    Declared("modules_to_save", "list[str]", "peft", "adapter", principal=True, needs_adapter=True,
             doc="Layers that are trained whole and saved beside the adapter."),
    Declared("bias", "str", "peft", "adapter", principal=True, needs_adapter=True,
             doc="Which biases of the base model are trained too: `none`, `all` or `lora_only`."),
    Declared("use_rslora", "bool", "peft", "adapter", principal=True, needs_adapter=True,
             doc="Scale by lora_alpha / sqrt(r) in place of lora_alpha / r."),
    Declared("use_dora", "bool", "peft", "adapter", principal=True, needs_adapter=True,
             doc="Train a magnitude for each output besides the direction (DoRA)."),
    Declared("init_lora_weights", "bool | str", "peft", "adapter",
             principal=True, needs_adapter=True,
             doc="How A and B begin. B is zero with `True`, so that training starts from the base "
                 "model."),
    Declared("task_type", "str", "peft", "adapter", principal=True,
             doc="The kind of model that is adapted; it decides which class wraps it and which "
                 "head is saved."),
    Declared("exclude_modules", "list[str] | str", "peft", "adapter", needs_adapter=True,
             doc="Layers that get no adapter although target_modules names them."),
    Declared("target_parameters", "list[str]", "peft", "adapter", needs_adapter=True,
             doc="Parameters, not layers, that get an adapter: fused experts for example."),
    Declared("layers_to_transform", "list[int] | int", "peft", "adapter", needs_adapter=True,
             doc="The indices of the layers that get an adapter; all without it."),
    Declared("layers_pattern", "list[str] | str", "peft", "adapter", needs_adapter=True,
             doc="The name of the list of layers that layers_to_transform counts in."),
    Declared("rank_pattern", "dict[str, object]", "peft", "adapter", needs_adapter=True,
             doc="Ranks for layers whose name fits a pattern, in place of r."),
    Declared("alpha_pattern", "dict[str, object]", "peft", "adapter", needs_adapter=True,
             doc="Alphas for layers whose name fits a pattern, in place of lora_alpha."),
    Declared("fan_in_fan_out", "bool", "peft", "adapter", needs_adapter=True,
             doc="Whether the adapted layers hold their weight as inputs x outputs, as GPT-2's "
                 "Conv1D does."),
    Declared("trainable_token_indices", "list[int] | dict[str, object]", "peft", "adapter",
             needs_adapter=True,
             doc="Tokens whose rows of the embedding are trained."),
    Declared("loftq_config", "dict[str, object]", "peft", "adapter", needs_adapter=True,
             doc="Settings of LoftQ, which begins A and B with the error of quantization."),
    Declared("eva_config", "dict[str, object]", "peft", "adapter", needs_adapter=True,
             doc="Settings of EVA, which begins A with what the data shows."),
    Declared("loraplus_lr_ratio", "float", "framework", "adapter", needs_adapter=True,
             doc="LoRA+: how many times larger the learning rate of B is than that of A."),
    Declared("inference_mode", "bool", "peft", "adapter",
             doc="Whether the adapter is loaded frozen, to be used and not trained."),
    Declared("lora_bias", "bool", "peft", "adapter",
             doc="Whether the adapter has a bias of its own, beside B."),
    Declared("ensure_weight_tying", "bool", "peft", "adapter",
             doc="Whether an embedding that shares its weight with the head stays shared."),
    Declared("use_qalora", "bool", "peft", "adapter",
             doc="Pool the inputs of A in groups, as QA-LoRA does."),
    Declared("use_bdlora", "dict[str, object]", "peft", "adapter",
             doc="Settings of block-diagonal LoRA."),
    Declared("alora_invocation_tokens", "list[int]", "peft", "adapter",
             doc="The tokens after which an activated LoRA takes effect."),
    Declared("layer_replication", "list[list[int]]", "peft", "adapter",
             doc="Ranges of layers that the base model is rebuilt from, as pairs."),
    Declared("corda_config", "dict[str, object]", "peft", "adapter",
             doc="Settings of CorDA."),
    Declared("lora_ga_config", "dict[str, object]", "peft", "adapter",
             doc="Settings of LoRA-GA."),
    Declared("arrow_config", "dict[str, object]", "peft", "adapter",
             doc="Settings of Arrow, which routes between adapters."),
    Declared("kasa_config", "dict[str, object]", "peft", "adapter",
             doc="Settings of KaSA."),
    Declared("velora_config", "dict[str, object]", "peft", "adapter",
             doc="Settings of VeLoRA."),
    Declared("monteclora_config", "dict[str, object]", "peft", "adapter",
             doc="Settings of MonteCLoRA."),
    Declared("megatron_config", "dict[str, object]", "peft", "adapter",
             doc="Arguments of Megatron, for its parallel layers."),
    Declared("runtime_config", "dict[str, object]", "peft", "adapter",
             doc="Settings that are not saved with the adapter."),
    Declared("auto_mapping", "dict[str, object]", "peft", "adapter",
             doc="The base model's class and library, for a model outside transformers."),
    Declared("revision", "str", "peft", "adapter",
             doc="The revision of the base model."),
    Declared("autocast_adapter_dtype", "bool", "peft", "adapter",
             doc="Whether the adapter's weights are kept in float32 beside a half-precision base "
                 "model."),
    # Quantization.
    Declared("load_in_4bit", "bool", "bitsandbytes", "quantization", principal=True,
             doc="Load the base model's linear layers in 4 bits, with bitsandbytes."),
    Declared("load_in_8bit", "bool", "bitsandbytes", "quantization", principal=True,
             doc="Load the base model's linear layers in 8 bits, with bitsandbytes."),
    Declared("bnb_4bit_quant_type", "str", "bitsandbytes", "quantization", principal=True,
             doc="The 4-bit type: `nf4` for weights that are normally distributed, or `fp4`."),
    Declared("bnb_4bit_use_double_quant", "bool", "bitsandbytes", "quantization", principal=True,
             doc="Quantize the quantization constants too: about 0.4 bits a parameter less."),
    Declared("bnb_4bit_compute_dtype", "str", "bitsandbytes", "quantization", principal=True,
             doc="The type that 4-bit weights are unpacked to for each multiplication."),
    Declared("bnb_4bit_quant_storage", "str", "bitsandbytes", "quantization", principal=True,
             doc="The type of the tensors that hold the packed 4-bit weights; FSDP needs that of "
                 "the other weights."),
    Declared("quant_method", "str", "transformers", "quantization",
             doc="The library that quantizes the base model."),
    Declared("targets_beside_all", "list[str] | str", "derived", "adapter",
             doc="Modules that a file names beside every linear layer, which it asks for too."),
    Declared("added_tokens", "list[str] | str", "derived", "model",
             doc="Tokens that a file adds to the tokenizer's vocabulary."),
    # The run.
    Declared("trainer_method", "str", "derived", "training", principal=True,
             doc="What is trained for: `sft`, `dpo`, `grpo` and so on."),
    Declared("learning_rate", "float", "transformers", "training", principal=True, never=(None,),
             doc="The largest step size of the optimizer, before the schedule."),
    Declared("lr_scheduler_type", "str", "transformers", "training", principal=True,
             doc="How the learning rate changes during the run."),
    Declared("warmup_steps", "float", "transformers", "training", principal=True,
             doc="The number of steps in which the learning rate rises from zero."),
    Declared("warmup_ratio", "float", "transformers", "training", principal=True,
             doc="The share of the steps in which the learning rate rises from zero."),
    Declared("num_train_epochs", "float", "transformers", "training", principal=True,
             doc="How often the training data are gone through."),
    Declared("max_steps", "int", "transformers", "training", principal=True,
             doc="The number of optimizer steps; above zero it wins over num_train_epochs."),
    Declared("per_device_train_batch_size", "int", "transformers", "training", principal=True,
             doc="Examples that one GPU computes at once."),
    Declared("gradient_accumulation_steps", "int", "transformers", "training", principal=True,
             doc="How many such batches make one optimizer step."),
    Declared("global_batch_size", "int", "framework", "training", principal=True,
             doc="Examples of one optimizer step, over all devices."),
    Declared("optim", "str", "transformers", "training", principal=True,
             doc="The optimizer; its state is 8 bytes a trained number for AdamW in 32 bits."),
    Declared("weight_decay", "float", "transformers", "training", principal=True,
             doc="The share of each trained weight that is taken off, times the learning rate, at "
                 "each step."),
    Declared("bf16", "bool", "transformers", "training", principal=True,
             doc="Compute in bfloat16 where that is safe: the range of float32, 8 bits of "
                 "precision."),
    Declared("fp16", "bool", "transformers", "training", principal=True,
             doc="Compute in float16 where that is safe, with a scaled loss."),
    Declared("gradient_checkpointing", "bool", "transformers", "training", principal=True,
             doc="Keep fewer activations and compute them again in the backward pass."),
    Declared("seed", "int", "transformers", "training", principal=True,
             doc="What random numbers begin with."),
    Declared("output_dir", "str", "transformers", "training", principal=True,
             doc="The folder that checkpoints and the adapter are saved in."),
    Declared("max_grad_norm", "float", "transformers", "training",
             doc="The norm that gradients are clipped to; 0 does not clip."),
    Declared("label_smoothing_factor", "float", "transformers", "training",
             doc="The share of the target that is spread over all tokens."),
    Declared("neftune_noise_alpha", "float", "transformers", "training",
             doc="Noise that is added to the embeddings while training."),
    Declared("gradient_checkpointing_kwargs", "dict[str, object]", "transformers", "training",
             doc="How activations are computed again: `use_reentrant` and so on."),
    Declared("lr_scheduler_kwargs", "dict[str, object]", "transformers", "training",
             doc="Further arguments of the schedule."),
    Declared("eval_strategy", "str", "transformers", "training",
             doc="When the run evaluates: `no`, `steps` or `epoch`."),
    Declared("eval_steps", "float", "transformers", "training",
             doc="Steps between two evaluations, or their share of all steps."),
    Declared("eval_accumulation_steps", "int", "transformers", "training",
             doc="Batches after which predictions are moved to the CPU."),
    Declared("save_strategy", "str", "transformers", "training",
             doc="When a checkpoint is saved: `no`, `steps`, `epoch` or `best`."),
    Declared("save_steps", "float", "transformers", "training",
             doc="Steps between two checkpoints, or their share of all steps."),
    Declared("load_best_model_at_end", "bool", "transformers", "training",
             doc="Whether the best checkpoint is loaded when training ends."),
    Declared("resume_from_checkpoint", "bool | str", "transformers", "training",
             doc="The checkpoint that training goes on from."),
    Declared("report_to", "list[str] | str", "transformers", "training",
             doc="Where metrics are logged."),
    Declared("debug", "list[str] | str", "transformers", "training",
             doc="What the trainer watches to find faults."),
    Declared("include_num_input_tokens_seen", "bool | str", "transformers", "training",
             doc="Whether the trainer counts the tokens that it is given."),
    Declared("use_liger_kernel", "bool", "transformers", "training",
             doc="Use Liger's fused kernels, also for the loss."),
    Declared("use_cpu", "bool", "transformers", "training",
             doc="Train on the CPU."),
    Declared("deepspeed", "dict[str, object] | str", "transformers", "training",
             doc="DeepSpeed's configuration, or its file."),
    Declared("fsdp", "list[str] | dict[str, object] | bool | str", "transformers", "training",
             doc="How the model is sharded over GPUs, by FSDP."),
    Declared("packing_strategy", "str", "trl", "training",
             doc="How examples are packed: `bfd` keeps them apart, `wrapped` cuts them."),
    Declared("loss_type", "str", "trl", "training",
             doc="Which loss the trainer computes."),
    # The data.
    Declared("train_dataset", "list[str] | str", "framework", "data",
             principal=True, never=(None, ""),
             doc="The training data."),
    Declared("dataset_split", "list[str] | str", "framework", "data", principal=True,
             doc="Which part of the data set is taken."),
    Declared("max_samples", "list[int] | int", "framework", "data", principal=True,
             doc="The most examples that are taken."),
    Declared("eval_dataset", "list[str] | dict[str, object] | str", "framework", "data",
             principal=True,
             doc="The data to evaluate on."),
    Declared("val_set_size", "float", "framework", "data", principal=True,
             doc="The share, or the number, of examples that are held out to evaluate on."),
    Declared("max_length", "int", "trl", "data", principal=True,
             doc="Tokens that an example is cut to."),
    Declared("packing", "bool", "trl", "data", principal=True,
             doc="Put several examples into one sequence of max_length."),
    Declared("merged_model_dir", "str", "framework", "data",
             doc="The folder that the base model is saved in with the adapter merged into it."),
    Declared("dataset_dir", "str", "framework", "data",
             doc="The folder with the declarations of the data sets."),
    Declared("chat_template", "str", "framework", "data",
             doc="The name of the template that turns of a conversation are written in."),
    Declared("data_files", "str", "framework", "data", never=("",),
             doc="Files that a data set is read from."),
    Declared("dataset_kwargs", "dict[str, object]", "trl", "data",
             doc="How the data set is prepared, `skip_prepare_dataset` for example."),
    Declared("dataloader_drop_last", "bool", "transformers", "data",
             doc="Whether the last batch is left out where it is smaller."),
    Declared("dropped_options", "list[str]", "derived", "surroundings",
             doc="Options of a command that stand below the line where the shell ends it."),
    Declared("miscut_words", "list[str]", "derived", "surroundings",
             doc="Words of a command that a blank, a comma or a backslash makes of those meant."),
    Declared("gpus_per_process", "int", "derived", "surroundings",
             doc="How many GPUs a command of ms-swift shows to each process, from 2."),
    # What is declared beside the recipe.
    Declared("gpu", "str", "declaration", "declared", principal=True,
             doc="The GPU that the run is for."),
    Declared("gpu_count", "int", "declaration", "declared", principal=True,
             doc="How many GPUs the run is for."),
    Declared("train_rows", "int", "declaration", "declared", principal=True,
             doc="How many training examples there are."),
    Declared("task", "str", "declaration", "declared", principal=True,
             doc="What the adapter is for, where a rule asks for it."),
    Declared("serve", "str", "declaration", "declared", principal=True,
             doc="What serves the adapter: `vllm` for example."),
    Declared("served_rank", "int", "derived", "surroundings",
             doc="The highest rank that the engine in the same file serves."),
    Declared("reloaded_as", "str", "derived", "surroundings",
             doc="The class whose model the same file loads its saved adapter onto."),
    Declared("online", "bool", "declaration", "declared", principal=True,
             doc="Whether the hub may be asked about the base model."),
    Declared("pinned_peft", "VersionRange", "declaration", "declared",
             doc="The versions of peft that the repository allows."),
    Declared("pinned_transformers", "VersionRange", "declaration", "declared",
             doc="The versions of transformers that the repository allows."),
    Declared("pinned_trl", "VersionRange", "declaration", "declared",
             doc="The versions of trl that the repository allows."),
    Declared("pinned_bitsandbytes", "VersionRange", "declaration", "declared",
             doc="The versions of bitsandbytes that the repository allows."),
    Declared("pinned_openrlhf", "VersionRange", "declaration", "declared",
             doc="The versions of openrlhf that the repository allows."),
    Declared("pinned_ms_swift", "VersionRange", "declaration", "declared",
             doc="The versions of ms-swift that the repository allows."),
    Declared("pinned_torchtune", "VersionRange", "declaration", "declared",
             doc="The versions of torchtune that the repository allows."),
    Declared("pinned_autotrain_advanced", "VersionRange", "declaration", "declared",
             doc="The versions of autotrain-advanced that the repository allows."),
    Declared("pinned_verl", "VersionRange", "declaration", "declared",
             doc="The versions of verl that the repository allows."),
    Declared("pinned_llamafactory", "VersionRange", "declaration", "declared",
             doc="The versions of LLaMA-Factory that the repository allows."),
    Declared("pinned_axolotl", "VersionRange", "declaration", "declared",
             doc="The versions of axolotl that the repository allows."),
    Declared("pinned_litgpt", "VersionRange", "declaration", "declared",
             doc="The versions of litgpt that the repository allows."),
    Declared("pinned_ludwig", "VersionRange", "declaration", "declared",
             doc="The versions of ludwig that the repository allows."),
    Declared("pinned_nemo_automodel", "VersionRange", "declaration", "declared",
             doc="The versions of nemo-automodel that the repository allows."),
    Declared("pinned_oumi", "VersionRange", "declaration", "declared",
             doc="The versions of oumi that the repository allows."),
    # What is around the call in a script.
    Declared("swept_by_loop", "bool", "derived", "surroundings",
             doc="Whether a loop around the call gives several values to its settings."),
    Declared("at_module_level", "bool", "derived", "surroundings",
             doc="Whether the call stands outside of every function."),
)
# fmt: on
"""In the order in which a group lists its principal settings."""

SETTINGS: Mapping[str, Declared] = {each.name: each for each in _DECLARED}
"""Every declared setting by its name."""

_UNDECLARED = Declared("", "object", "framework", "training", doc="A keyword of a library.")


def declared(name: str) -> Declared:
    """The declaration of a setting; for one that is not declared, that nothing is known of it."""
    return SETTINGS.get(name, _UNDECLARED)


def names_where(holds: Callable[[Declared], object]) -> frozenset[str]:
    """The names of the settings whose declaration has some property."""
    return frozenset(each.name for each in _DECLARED if holds(each))
