"""Options in part, abbreviated, collected; the GPUs of a command; commands that are not read."""

from __future__ import annotations

import pytest

from lora_lint.read.shell.reader import read, read_text
from lora_lint.sources.source import Source

SWIFT = "swift sft --model m --lora_rank 8"
FACTORY = "llamafactory-cli train --model_name_or_path m --stage sft --lora_rank 8"


def test_a_beginning_that_only_one_option_has_is_that_option() -> None:
    (recipe,) = read_text(f"{SWIFT} --max_pixel 5 --lora_al 4 --zzz 1\n", "t.sh")
    names = {key.name for key in recipe.blocks[0].keys}
    assert {"lora_alpha", "zzz"} <= names
    assert "max_pixel" not in names
    assert recipe.known("lora_alpha") == 4


def test_a_loops_variable_belongs_to_its_flag() -> None:
    text = "for r in 8 16; do\nswift sft --model m --lora_rank=$r --lora_alpha 32\ndone\n"
    (recipe,) = read_text(text, "t.sh")
    assert recipe.settings["r"].candidates == (8, 16)
    assert recipe.known("lora_alpha") == 32


@pytest.mark.parametrize(
    "text",
    [
        'A="--lora_rank 8 \\\n --lora_alpha 4"\nswift sft --model m $A\n',
        'A="--model $1 --lora_rank 8"\nA="$A --lora_alpha 4"\nswift sft $A\n',
        'A=(--model m # one\n "--lora_rank" "8")\nA+=(--lora_alpha 4)\nswift sft "${A[@]}"\n',
        'A=(--lora_rank 8 --lora_alpha 4)\nif x; then A+=(--seed 3); fi\nswift sft "${A[@]}"\n',
        "swift sft --model m --lora_rank 8 --lora_alpha 4 $EXTRA\n",
    ],
)
def test_options_that_are_collected(text: str) -> None:
    (recipe,) = read_text(text, "t.sh")
    assert (recipe.known("r"), recipe.known("lora_alpha")) == (8, 4)


def test_an_option_of_one_arm_is_not_known() -> None:
    text = 'A="--lora_rank 8"\nif x; then A="$A --lora_alpha 4"; fi\nswift sft --model m $A\n'
    (recipe,) = read_text(text, "t.sh")
    assert recipe.known("r") == 8
    assert recipe.settings["lora_alpha"].candidates == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (f"NPROC_PER_NODE=4 {SWIFT}", 4),
        (f"n=2\nNNODES=2 NPROC_PER_NODE=$n {SWIFT}", 4),
        (f"export NPROC_PER_NODE=4\n{SWIFT}", 4),
        (f"NPROC_PER_NODE=4\n{SWIFT}", None),
        (f"CUDA_VISIBLE_DEVICES=0 {SWIFT}", 1),
        (f"CUDA_VISIBLE_DEVICES=0,1 {SWIFT}", None),
        (f"CUDA_VISIBLE_DEVICES=0,1 {FACTORY}", 2),
        (f"CUDA_VISIBLE_DEVICES=0,1,2,3 NPROC_PER_NODE=2 {SWIFT}", None),
        (f"NPROC_PER_NODE=2 {SWIFT} --sequence_parallel_size 2", None),
        ("torchrun --nproc_per_node=2 src/train.py --stage sft --lora_rank 8", 2),
        ("torchrun --nproc-per-node 2 --nnodes 3 src/train.py --stage sft --lora_rank 8", 6),
        ("torchrun --nproc_per_node=gpu src/train.py --stage sft --lora_rank 8", None),
        ("accelerate launch --num_processes 3 src/train.py --stage sft --lora_rank 8", 3),
        ("deepspeed --include localhost:0,1 src/train.py --stage sft --lora_rank 8", 2),
        (SWIFT, None),
    ],
)
def test_how_many_gpus_a_command_runs_on(text: str, number: int | None) -> None:
    (recipe,) = read_text(text + "\n", "t.sh")
    assert recipe.known("gpu_count") == number
    assert ("gpu_count" in recipe.settings) is (number is not None)


@pytest.mark.parametrize(
    ("command", "dialect", "rank"),
    [
        ("python -m verl.trainer.main_ppo actor_rollout_ref.model.lora_rank=4", "verl", 4),
        ("python train.py model.lora.rank=4 model.lora.alpha=8", "generic", 4),
        ("mlx_lm.lora --model m --train --iters 5", "mlx-lm", 8),
        ("python -m mlx_lm lora --model m --train --iters 5", "mlx-lm", 8),
        (
            "accelerate launch --mixed_precision=fp16 sdxl_train_network.py "
            "--network_module=networks.lora --network_dim 8",
            "sd-scripts",
            8,
        ),
        ("python sd/flux_train_network.py --network_module networks.lora_flux", "sd-scripts", 4),
        (
            "deepspeed main.py --model_name_or_path m --lora_dim 128 --learning_rate 1e-3",
            "generic",
            128,
        ),
        ("deepspeed main.py --lora_dim 8 --lora_module_name layers.", "deepspeed-chat", 8),
        ("deepspeed main.py --actor_model_name_or_path m --actor_lora_dim 4", "deepspeed-chat", 4),
        ("deepspeed --module openrlhf.cli.train_sft --ds.lora.rank 4", "openrlhf", 4),
        ("deepspeed --module openrlhf.cli.train_dpo --pretrain m --lora_rank 8", "openrlhf", 8),
        ("python my/train_ours.py --ds.lora.rank 8 --ds.lora.alpha 16", "openrlhf", 8),
        ("ray job submit -- python3 -m openrlhf.cli.train_ppo_ray --ds.lora.rank 2", "openrlhf", 2),
        (
            "uv run --extra fsdp -m skyrl.train.entrypoints.main_base data.x=1 "
            "trainer.policy.model.lora.rank=4",
            "skyrl",
            4,
        ),
        (
            "uv run -m examples.train.dapo.main_dapo trainer.policy.model.lora.rank=4",
            "skyrl",
            4,
        ),
        ("python -m skyrl.train.main_sft model.path=m model.lora.rank=8", "skyrl", 8),
        ("torchrun -m verl.trainer.fsdp_sft_trainer model.lora_rank=8", "verl", 8),
        ("torchrun -m verl.trainer.sft_trainer model.path=m model.lora_rank=8", "verl", 8),
        (
            "python3 -m recipe.dapo.main_dapo actor_rollout_ref.model.lora_rank=8",
            "verl",
            8,
        ),
        ("accelerate launch train_dreambooth_lora_flux.py --rank=16", "diffusers", 16),
        ("accelerate launch x/train_text_to_image_lora.py --seed 3", "diffusers", 4),
    ],
)
def test_programs_and_overrides(command: str, dialect: str, rank: int) -> None:
    (recipe,) = read_text(command + "\n", "t.sh")
    assert (recipe.dialect, recipe.known("r")) == (dialect, rank)


@pytest.mark.parametrize(
    ("command", "method"),
    [
        ("trl dpo --use_peft --lora_r 8", "dpo"),
        ("swift pt --model m --lora_rank 8", "pt"),
        ("swift rlhf --rlhf_type dpo --model m --lora_rank 8", "dpo"),
        ("python -m openrlhf.cli.train_sft --ds.lora.rank 4", "sft"),
        ("python -m openrlhf.cli.train_rm --ds.lora.rank 4", "reward"),
        ("python -m openrlhf.cli.train_ppo_ray --ds.lora.rank 4", "ppo"),
        ("python -m verl.trainer.main_ppo actor_rollout_ref.model.lora_rank=4", "ppo"),
        ("torchrun -m verl.trainer.sft_trainer model.lora_rank=8", "sft"),
        ("python -m skyrl.train.main_sft model.lora.rank=8 optimizer_config.lr=1e-4", "sft"),
        ("deepspeed main.py --lora_dim 8 --only_optimize_lora", None),
    ],
)
def test_the_method_that_a_command_names(command: str, method: str | None) -> None:
    (recipe,) = read_text(command + "\n", "t.sh")
    assert recipe.known("trainer_method") == method


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("llamafactory-cli webui --finetuning_type lora", "llamafactory-cli webui"),
        ("tune run lora_finetune --config a.yaml model.lora_rank=8", "tune run"),
        ("vllm serve m --enable-lora", "vllm serve --enable-lora"),
        ("axolotl inference a.yaml", "axolotl inference"),
        ("accelerate launch src/x.py --lora_rank 8", "x.py"),
        ("llamafactory-cli train a.yaml lora_rank=8", "llamafactory-cli train"),
    ],
)
def test_a_command_that_is_not_read_is_named(command: str, name: str) -> None:
    reading = read(Source("t.sh", "shell", f"# lora\n{command}\n".encode()))
    assert reading.recipes == ()
    assert reading.commands == (f"line 2: `{name}` is not read: what it sets is not checked",)


@pytest.mark.parametrize(
    "command",
    ["axolotl train lora.yaml", "echo --lora_r 8", "vllm serve m", "swift sft --tuner_type full"],
)
def test_other_commands_are_not_named(command: str) -> None:
    assert read(Source("t.sh", "shell", f"{command}\n".encode())).commands == ()


def test_a_number_of_a_command_is_no_string_to_yaml() -> None:
    (recipe,) = read_text(f"{SWIFT} --learning_rate 1e-4\n", "t.sh")
    setting = recipe.settings["learning_rate"]
    assert (setting.candidates, setting.source) == ((1e-4,), "")


def test_options_below_the_end_are_no_command_of_their_own() -> None:
    text = f"{SWIFT} \\ \n --use_peft --lora_r 3 --lora_alpha 4\n{SWIFT} --seed 2\n"
    first, second = read_text(text, "t.sh")
    assert first.known("dropped_options") == ["--use_peft", "--lora_r", "--lora_alpha"]
    assert "dropped_options" not in second.settings


@pytest.mark.parametrize("use", ["export", "chat", "api", "webchat", "eval"])
def test_what_uses_an_adapter_is_read_as_no_run(use: str) -> None:
    command = f"lmf {use} --model_name_or_path m --adapter_name_or_path a --template default"
    (recipe,) = read(Source("t.sh", "shell", f"# lora\n{command}\n".encode())).recipes
    assert recipe.dialect == "llamafactory-infer"
    assert recipe.result
