"""The gate and the plan: what is refused, what is printed, and that nothing heavy is imported."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from conftest import ROOT
from launch_cases import CONFIG, fake_nvidia_smi, folder
from lora_launch.cli import main
from lora_launch.config import document as documents
from lora_launch.gate import gate
from lora_launch.plan.devices import Devices
from lora_launch.run.launch import environment
from lora_lint.engine import check
from lora_lint.engine.config import Config
from lora_lint.sources.source import Source
from lora_lint.translate import framework as dialects
from lora_rules.checks.adapter import ll101_zero_or_negative_alpha
from lora_rules.frameworks import launch_of

HEAVY = ("torch", "transformers", "peft", "trl", "accelerate", "datasets", "bitsandbytes", "numpy")
FIRE = "NVIDIA GeForce RTX 4090, 24564 MiB"


def cards(*names: str) -> list[str]:
    return [f"{number}, GPU-{number}, {name}" for number, name in enumerate(names)]


def launch(path, *arguments: str) -> int:
    return main(["--config", str(path), *arguments])


def llama(batch: int = 4) -> str:
    text = CONFIG.replace("path: model", "path: meta-llama/Llama-3.1-8B")
    text = text.replace("train_batch_size: 4", f"train_batch_size: {batch}")
    return text.replace("  use_cpu: true\n  bf16: false\n", "")


def test_a_plan_needs_nothing_heavy(tmp_path):
    script = (
        "import sys\nfrom lora_launch.cli import main\n"
        "code = main(['--config', sys.argv[1], '--dry-run'])\n"
        f"print(code, sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder(tmp_path))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_refusal_imports_nothing_heavy_and_makes_no_folder(tmp_path):
    path = folder(tmp_path, CONFIG.replace("lora_alpha: 16", "lora_alpha: 0"))
    script = (
        "import sys\nfrom lora_launch.cli import main\n"
        "code = main(['--config', sys.argv[1]])\n"
        f"print(code, sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "1 []"
    assert "LL101" in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_rule_that_fails_is_told_and_refuses_nothing(tmp_path, capsys, monkeypatch):
    def fails(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(ll101_zero_or_negative_alpha, "zero_or_negative_alpha", fails)
    assert launch(folder(tmp_path), "--dry-run") == 0
    assert "rule LL101 zero-or-negative-alpha failed: ZeroDivisionError" in capsys.readouterr().out


def test_a_configuration_that_cannot_be_linted_is_refused(tmp_path, capsys, monkeypatch):
    def fails(*_arguments, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr(check, "run_rules", fails)
    assert launch(folder(tmp_path), "--dry-run") == 2
    assert "reading it failed: ZeroDivisionError" in capsys.readouterr().err


def test_the_plan_says_what_will_run(tmp_path, capsys):
    assert launch(folder(tmp_path), "--dry-run") == 0
    told = capsys.readouterr().out
    assert "4 micro batch x 2 accumulation x 1 device = 8" in told
    assert "100 over 400 examples (2 epochs)" in told
    assert "LoRA r=8; trains 16,384" in told
    assert "the CPU" in told


def test_set_is_what_is_linted(tmp_path, capsys):
    path = folder(tmp_path)
    assert launch(path, "--dry-run", "--set", "lora.lora_alpha=0") == 1
    told = capsys.readouterr()
    assert "LL101" in told.out
    assert "lora_alpha: 0" in told.out


def test_warnings_are_shown_and_refuse_only_if_strict(tmp_path, capsys):
    path = folder(tmp_path, CONFIG.replace("lora_alpha: 16", "lora_alpha: 40"))
    assert launch(path, "--dry-run") == 0
    assert "LL102" in capsys.readouterr().out
    assert launch(path, "--dry-run", "--strict") == 1
    assert "mend LL102" in capsys.readouterr().out
    for name in ("LL102", "alpha-rank-ratio-out-of-range"):
        assert launch(path, "--dry-run", "--strict", "--allow", name) == 0
        assert "Waved through by --allow, and recorded: LL102" in capsys.readouterr().out


def test_allowing_a_rule_that_does_not_exist_is_told(tmp_path, capsys):
    assert launch(folder(tmp_path), "--dry-run", "--allow", "LL999") == 2
    assert "no such rule" in capsys.readouterr().err
    assert launch(folder(tmp_path), "--dry-run", "--allow", "LL011:peft/lora-bias-with-dorra") == 2
    assert "did you mean 'peft/lora-bias-with-dora'" in capsys.readouterr().err


def test_one_key_of_a_rule_is_allowed(tmp_path, capsys):
    key = "LL011:peft/target-in-modules-to-save"
    both = "target_modules: [q_proj, v_proj]\n  modules_to_save: [q_proj]"
    text = CONFIG.replace("target_modules: all-linear", both)
    path = folder(tmp_path, text)
    assert launch(path, "--dry-run", "--strict") == 1
    assert f"mend {key}" in capsys.readouterr().out
    for name in (key, key.replace("LL011", "incompatible-settings"), "LL011:peft", "LL011"):
        assert launch(path, "--dry-run", "--strict", "--allow", name) == 0
        assert f"recorded: {key}" in capsys.readouterr().out
    assert launch(path, "--dry-run", "--strict", "--allow", "LL011:transformers") == 1


def test_a_suppressed_finding_refuses_nothing(tmp_path):
    text = CONFIG.replace("lora_alpha: 16", "lora_alpha: 0  # lora-lint: ignore[LL101] a test")
    assert launch(folder(tmp_path, text), "--dry-run") == 0


def test_the_gpu_that_is_there_decides(tmp_path, monkeypatch, capsys):
    path = folder(tmp_path, llama())
    fake_nvidia_smi(tmp_path, monkeypatch, cards("NVIDIA GeForce RTX 3060, 12288 MiB"))
    assert launch(path, "--dry-run") == 1
    told = capsys.readouterr().out
    assert "LL601" in told
    assert "GeForce RTX 3060 12GB has" in told
    fake_nvidia_smi(tmp_path, monkeypatch, cards("NVIDIA H200, 143771 MiB"))
    assert launch(path, "--dry-run") == 0
    assert "H200" in capsys.readouterr().out


def test_several_gpus_are_ddp_and_share_the_global_batch(tmp_path, monkeypatch, capsys):
    fake_nvidia_smi(tmp_path, monkeypatch, cards(*["NVIDIA H200, 143771 MiB"] * 4))
    path = folder(tmp_path, llama())
    assert launch(path, "--dry-run") == 0
    told = capsys.readouterr().out
    assert "4 x H200" in told.replace("NVIDIA ", "")
    assert "DDP" in told
    assert "4 micro batch x 2 accumulation x 4 devices = 32" in told
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert launch(path, "--dry-run") == 0
    assert "x 2 devices = 16" in capsys.readouterr().out


def test_the_smallest_gpu_counts(tmp_path, monkeypatch, capsys):
    fake_nvidia_smi(tmp_path, monkeypatch, cards("NVIDIA H200, 143771 MiB", FIRE))
    assert launch(folder(tmp_path, llama()), "--dry-run") == 0
    assert "2 x GeForce RTX 4090" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "count", "shown"),
    [(None, 1, "0"), (None, 2, "0,1"), ("3,2,1", 2, "3,2"), ("", 1, "0")],
)
def test_a_process_sees_no_gpu_that_it_has_no_part_in(monkeypatch, given, count, shown):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    found = environment(Devices("cuda", count))
    assert found["CUDA_VISIBLE_DEVICES"] == shown
    assert environment(Devices("cpu", 1))["CUDA_VISIBLE_DEVICES"] == ""


def test_no_accelerate_setting_of_the_user_gets_through(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp8")
    monkeypatch.setenv("FSDP_VERSION", "1")
    found = environment(Devices("cuda", 1))
    assert not {"ACCELERATE_MIXED_PRECISION", "FSDP_VERSION"} & found.keys()


def test_too_few_gpus(tmp_path, monkeypatch, capsys):
    fake_nvidia_smi(tmp_path, monkeypatch, cards(FIRE))
    path = folder(tmp_path, llama() + "hardware: {count: 4}\n")
    assert launch(path) == 2
    assert "hardware.count is 4, and 1 GPU is (NVIDIA GeForce RTX 4090)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "code", "told"),
    [
        ([], 0, "nvidia-smi lists none"),
        (["NVIDIA-SMI has failed because it couldn't communicate"], 9, "nvidia-smi says: NVIDIA"),
    ],
)
def test_no_gpu(tmp_path, monkeypatch, capsys, lines, code, told):
    fake_nvidia_smi(tmp_path, monkeypatch, lines, code)
    assert launch(folder(tmp_path, llama())) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "--set training.use_cpu=true" in said


def test_a_plan_for_a_gpu_that_is_elsewhere(tmp_path, monkeypatch, capsys):
    fake_nvidia_smi(tmp_path, monkeypatch, [])
    path = folder(tmp_path, llama() + "hardware: {gpu: H100 80GB}\n")
    assert launch(path, "--dry-run") == 0
    assert "as declared" in capsys.readouterr().out
    assert launch(path) == 2


def test_auto_takes_the_largest_micro_batch_that_fits(tmp_path, monkeypatch, capsys):
    fake_nvidia_smi(tmp_path, monkeypatch, cards(FIRE))
    text = llama(batch=64).replace("max_length: 128", "max_length: 1024")
    text += "hardware: {micro_batch: auto}\n"
    nf4 = (
        "quantization={load_in_4bit: true, bnb_4bit_quant_type: nf4,"
        " bnb_4bit_compute_dtype: bfloat16}"
    )
    path = folder(tmp_path, text)
    assert launch(path, "--dry-run", "--set", nf4) == 0
    told = capsys.readouterr().out
    batch = next(line for line in told.splitlines() if "micro batch x" in line)
    assert batch.endswith("= 128")
    micro = int(batch.split()[1])
    assert 1 < micro < 64
    assert "fits" in told
    larger = text.replace("  micro_batch: auto", "").replace("hardware: {micro_batch: auto}\n", "")
    larger = larger.replace("batch_size: 64", f"batch_size: {2 * micro}")
    assert launch(folder(tmp_path, larger), "--dry-run", "--set", nf4) == 0
    assert "tight" in capsys.readouterr().out


def test_bf16_on_a_gpu_without_it(tmp_path, monkeypatch, capsys):
    fake_nvidia_smi(tmp_path, monkeypatch, cards("Tesla T4, 15360 MiB"))
    path = folder(tmp_path, CONFIG.replace("  use_cpu: true\n  bf16: false\n", ""))
    assert launch(path, "--dry-run") == 1
    told = capsys.readouterr()
    assert "bf16" in told.out + told.err


def test_fsdp_needs_a_storage_it_can_divide(tmp_path, monkeypatch, capsys):
    path = folder(tmp_path, CONFIG + "hardware: {count: 2, strategy: fsdp}\n")
    assert launch(path, "--dry-run") == 0
    assert "2 processes, FSDP" in capsys.readouterr().out
    fake_nvidia_smi(tmp_path, monkeypatch, cards(FIRE, FIRE))
    text = llama() + "hardware: {strategy: fsdp}\nquantization: {load_in_4bit: true}\n"
    assert launch(folder(tmp_path, text), "--dry-run") == 1
    assert "bnb_4bit_quant_storage: bfloat16" in capsys.readouterr().err


def test_steps_are_transformers_steps(tmp_path, capsys):
    path = folder(tmp_path, rows=21)
    for change, steps in (
        ("training.num_train_epochs=1", "3 over 21"),
        ("training.max_steps=7", "7 over 21"),
        ("training.per_device_train_batch_size=16", "2 over 21"),
        ("training.warmup_steps=0.5", "6 over 21 examples (2 epochs), the first 3 to warm up"),
        ("training.packing=true", "packing decides"),
    ):
        assert launch(path, "--dry-run", "--set", change) == 0
        assert steps in capsys.readouterr().out


def test_the_examples_are_sound_and_broken(capsys):
    from conftest import ROOT

    path = ROOT / "examples" / "launch"
    assert launch(path / "broken.yaml", "--dry-run") == 1
    assert "LL701" in capsys.readouterr().out
    rows = [json.loads(line) for line in (path / "data" / "train.jsonl").open()]
    assert len(rows) == 193


def test_what_is_given_to_lora_launch_is_its_own_format():
    """``model: NAME`` alone shows nobody whose file it is."""
    text = (
        "model: meta-llama/Llama-3.1-8B\nlora: {r: 16, lora_alpha: 0}\ndata: {train: d.jsonl}\n"
        "training: {warmup_ration: 0.1}\n"
    )
    document = documents.Document("run.yaml", "yaml", text)
    messages = [each.message for each in gate.judge(document, {}).refused]
    assert any("lora-launch does not know training.warmup_ration" in each for each in messages)
    assert gate.recipe_of(document, {}).dialect == documents.NATIVE


def test_a_declared_framework_is_the_file_s(tmp_path):
    text = "# lora-lint: framework=lora-launch\nmodel: m\nlora: {r: 8}\nextra: 1\n"
    assert documents.framework(documents.Document("x.yaml", "yaml", text)) == documents.NATIVE
    text = "# lora-lint: framework=axolotl\nlora_r: 8\n"
    assert documents.framework(documents.Document("x.yaml", "yaml", text)) == "axolotl"


@pytest.mark.parametrize("name", [name for name in dialects.names() if launch_of(name) is not None])
def test_the_key_that_asks_for_the_cpu_is_known_to_the_linter(name):
    launch_behaviour = launch_of(name)
    assert launch_behaviour is not None
    key, value = launch_behaviour.on_cpu
    text = (ROOT / "examples" / "sound" / f"{name}.yaml").read_text()
    if f"\n{key}:" not in text:
        text += f"\n{key}: {str(value).lower()}\n"
    found = check.check(Source(f"{name}.yaml", "yaml", text.encode()), Config(), {})
    assert found.dialects == (name,)
    assert not [each.message for each in found.findings if each.code == "LL001"]
