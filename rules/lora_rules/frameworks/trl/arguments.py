"""The classes whose parameters are the keys of a file of TRL's, and what goes to the launcher."""

from __future__ import annotations

from collections.abc import Collection

BESIDES = ("trl.ModelConfig", "trl.GRPOScriptArguments", "trl.DatasetMixtureConfig")
"""What every script takes beside its configuration; those of GRPO have all that others have."""
METHODS = tuple(
    f"trl.{method}Config"
    for method in (
        *("SFT", "DPO", "GRPO", "KTO", "Reward", "RLOO", "Distillation", "ORPO", "CPO"),
        *("OnlineDPO", "GKD", "PPO", "BCO", "XPO", "NashMD", "PRM"),
    )
)
"""Those that have a script of TRL's, or an example that reads such a file, the usual ones first."""
SCRIPTS = frozenset(["sft", "dpo", "grpo", "kto", "reward", "rloo", "distillation"])
"""Those that a command starts."""

FOR_THE_LAUNCHER = frozenset(
    [
        "accelerate_config",
        "aws_access_key_id",
        "aws_secret_access_key",
        "config",
        "config_file",
        "cpu",
        "debug",
        "deepspeed_config_file",
        "deepspeed_exclusion_filter",
        "deepspeed_hostfile",
        "deepspeed_inclusion_filter",
        "deepspeed_moe_layer_cls_names",
        "deepspeed_multinode_launcher",
        "downcast_bf16",
        "dynamo_backend",
        "dynamo_mode",
        "dynamo_use_dynamic",
        "dynamo_use_fullgraph",
        "dynamo_use_regional_compilation",
        "enable_cpu_affinity",
        "env",
        "gpu_ids",
        "gradient_clipping",
        "log_dir",
        "machine_rank",
        "main_process_ip",
        "main_process_port",
        "main_training_function",
        "max_restarts",
        "mixed_precision",
        "module",
        "monitor_interval",
        "mpirun_hostfile",
        "multi_gpu",
        "no_python",
        "num_cpu_threads_per_process",
        "num_machines",
        "num_processes",
        "offload_optimizer_device",
        "offload_optimizer_nvme_path",
        "offload_param_device",
        "offload_param_nvme_path",
        "quiet",
        "rdzv_backend",
        "rdzv_conf",
        "role",
        "same_network",
        "tee",
        "tpu",
        "tpu_use_cluster",
        "tpu_use_sudo",
        "use_deepspeed",
        "use_fsdp",
        "use_megatron_lm",
        "use_parallelism_config",
        "vm",
        "zero3_init_flag",
        "zero3_save_16bit_model",
        "zero_stage",
    ]
)
"""Options of ``accelerate launch`` (1.15), to which ``trl`` hands what it does not know."""
LAUNCHER_FAMILIES = ("fp8_", "fsdp_", "megatron_lm_", "parallelism_config_")
"""How the others begin."""


def scripts(method: str, keys: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """The classes of each script: of one where a command names it, else of all.

    The script of GKD takes what that of SFT takes, and a teacher.
    """
    if method in SCRIPTS:
        return tuple((*BESIDES, each) for each in METHODS if each.lower() == f"trl.{method}config")
    taught = any(key.startswith("teacher_") for key in keys)
    return tuple((*BESIDES, each) for each in METHODS if taught or each != "trl.GKDConfig")


def goes_to_launcher(key: str) -> bool:
    """Whether ``accelerate launch`` takes a key."""
    return key in FOR_THE_LAUNCHER or key.startswith(LAUNCHER_FAMILIES)
