"""What took the place of a keyword that a library no longer takes: a new name, or what to do."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.typed import NamedTuple

RENAMED: Mapping[str, str] = {
    "tokenizer": "processing_class",
    "max_seq_length": "max_length",
    "evaluation_strategy": "eval_strategy",
    "warmup_ratio": "warmup_steps",
    "no_cuda": "use_cpu",
    "per_gpu_train_batch_size": "per_device_train_batch_size",
    "per_gpu_eval_batch_size": "per_device_eval_batch_size",
    "push_to_hub_token": "hub_token",
    "push_to_hub_model_id": "hub_model_id",
    "use_liger": "use_liger_kernel",
    "use_liger_loss": "use_liger_kernel",
    "torch_dtype": "dtype",
    "wandb_log_unique_prompts": "log_unique_prompts",
    "vllm_guided_decoding_regex": "vllm_structured_outputs_regex",
    "vllm_max_model_len": "vllm_max_model_length",
    "peft_cfg": "peft_config",
    "lora_config": "peft_config",
    "training_args": "args",
}
"""A new name for the same value."""

ADVICE: Mapping[str, str] = {
    "warmup_ratio": "Write warmup_steps: a number below 1 is a share of the run.",
    "adafactor": 'Write optim="adafactor".',
    "group_by_length": 'Write train_sampling_strategy="group_by_length".',
    "include_inputs_for_metrics": 'Write include_for_metrics=["inputs"].',
    "fp16_backend": "Remove it: PyTorch's own autocast is all there is.",
    "half_precision_backend": "Remove it: PyTorch's own autocast is all there is.",
    "fp16_opt_level": "Remove it: it was Apex's.",
    "save_safetensors": "Remove it: safetensors is the only format that is written.",
    "overwrite_output_dir": "Remove it: the Trainer never read it.",
    "use_mps_device": "Remove it: an Apple GPU is used where there is one.",
    "logging_dir": "Set the environment variable TENSORBOARD_LOGGING_DIR.",
    "sharded_ddp": "Write fsdp, or use DeepSpeed.",
    "fsdp_transformer_layer_cls_to_wrap": "Put it into fsdp_config.",
    "fsdp_min_num_params": "Put min_num_params into fsdp_config.",
    "dispatch_batches": "Put it into accelerator_config.",
    "split_batches": "Put it into accelerator_config.",
    "model_init": "Give the trainer the model itself.",
    "max_prompt_length": "Remove it, and drop prompts that are too long from the data.",
    "ref_model_init_kwargs": "Remove it, or load the reference model and pass it as ref_model.",
    "label_pad_token_id": "Remove it: labels are padded with -100.",
    "is_encoder_decoder": "Remove it: it is read from the model.",
    "padding_value": "Remove it: the tokenizer's padding token is used.",
    "policy": "Write model.",
    "config": "Write args.",
}
"""Where it takes more than a new name."""


class Successor(NamedTuple):
    """What to write instead."""

    advice: str = ""
    """A sentence; empty where nothing better is known than the nearest name."""
    rename: str = ""
    """The name that takes the same value in the same call, if there is one."""


def successor(receiver: str, name: str, known: frozenset[str]) -> Successor | None:
    """What took the place of a keyword.

    Args:
        receiver: the callee, such as ``trl.SFTTrainer``.
        name: the keyword that it does not take.
        known: what it takes.
    """
    new = RENAMED.get(name, "")
    if new in known:
        return Successor(ADVICE.get(name, f"Write {new}."), new)
    config = _configuration(receiver)
    fields = _fields(config)
    for candidate in (name, new):
        if candidate and candidate in fields:
            callee = config.rpartition(".")[2]
            return Successor(f"Give it to {callee}, as {candidate}, and that to args.")
    return Successor(ADVICE[name]) if name in ADVICE else None


def _configuration(receiver: str) -> str:
    """The class that configures a trainer; empty for any other callee."""
    if not receiver.endswith("Trainer"):
        return ""
    if receiver.startswith("transformers."):
        return receiver.removesuffix("Trainer") + "TrainingArguments"
    return receiver.removesuffix("Trainer") + "Config"


def _fields(callee: str) -> frozenset[str]:
    from lora_rules.libraries import signatures

    if not callee or not signatures.is_known(callee):
        return frozenset()
    return signatures.fields(callee)


NAMES: Mapping[str, str] = {
    "trl.DataCollatorForCompletionOnlyLM": "Give SFTTrainer columns prompt and completion, or "
    "messages with assistant_only_loss=True.",
    "trl.ConstantLengthDataset": "Write SFTConfig(packing=True).",
    "trl.setup_chat_format": "Use clone_chat_template.",
    "trl.DPODataCollatorWithPadding": "Leave the collator to DPOTrainer.",
    "trl.RewardDataCollatorWithPadding": "Leave the collator to RewardTrainer.",
    "trl.AutoModelForCausalLMWithValueHead": "Load it with transformers.",
    "trl.DDPOTrainer": "It has no successor.",
    "trl.get_kbit_device_map": 'Write device_map={"": PartialState().local_process_index}.',
    "trl.SFTScriptArguments": "Use ScriptArguments.",
    "trl.DPOScriptArguments": "Use ScriptArguments.",
    "trl.create_reference_model": "Leave ref_model out: the trainer makes it.",
    "peft.prepare_model_for_int8_training": "Use prepare_model_for_kbit_training.",
    "peft.get_peft_model_state_dict": "Use save_pretrained.",
    "transformers.AdamW": "Use torch.optim.AdamW.",
    "transformers.AutoModelForVision2Seq": "Use AutoModelForImageTextToText.",
    "transformers.AutoModelWithLMHead": "Use AutoModelForCausalLM.",
    "transformers.TextDataset": "Load the text with datasets.load_dataset.",
    "transformers.LineByLineTextDataset": "Load the text with datasets.load_dataset.",
    "transformers.is_torch_tpu_available": "Use is_torch_xla_available.",
    "transformers.Conversation": "Pass a list of messages.",
}
"""What to do where a public name is gone, and no experiment offers it."""
