"""What a sweep consists of: its spaces, axes and refusals, with nothing started."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from launch_cases import LLAMA, fake_nvidia_smi
from sweep_cases import CONFIG, folder, sweep, told

OPT = {
    "model_type": "opt",
    "architectures": ["OPTForCausalLM"],
    "vocab_size": 512,
    "hidden_size": 64,
    "word_embed_proj_dim": 64,
    "ffn_dim": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
}
PHI3 = {**LLAMA, "model_type": "phi3", "architectures": ["Phi3ForCausalLM"], "pad_token_id": 0}


def members(found: dict) -> list[dict]:
    return sorted(found["candidates"], key=lambda each: each["number"])


def values(found: dict, key: str) -> set:
    return {json.dumps(each["settings"][key]) for each in found["candidates"]}


@pytest.mark.parametrize(
    ("name", "size", "rates", "refused"),
    [("quick", 4, 2, 0), ("balanced", 36, 2, 0), ("thorough", 135, 3, 18)],
)
def test_the_three_spaces(tmp_path, capsys, name, size, rates, refused):
    found = told(folder(tmp_path), capsys, "--space", name, "--dry-run")
    assert len(found["candidates"]) == size
    assert len({json.dumps(each["settings"]) for each in found["candidates"]}) == size
    assert [each["number"] for each in members(found)] == list(range(1, size + 1))
    assert len(values(found, "training.learning_rate")) == rates
    assert all("lora.lora_alpha" not in each["settings"] for each in found["candidates"])
    assert any("lora_alpha stays 16" in note for note in found["notes"])
    left_out = [each for each in found["candidates"] if each["status"] == "refused"]
    assert len(left_out) == refused
    assert all(each["rule"] == "LL301" for each in left_out)
    assert all(each["settings"]["lora.r"] == 4 for each in left_out)
    assert all("dropout-at-tiny-rank" in each["reason"] for each in left_out)
    assert all(each["trained"] > 0 for each in found["candidates"] if each not in left_out)


def test_dropout_at_rank_4_is_refused_unless_allowed(tmp_path, capsys):
    path, space = folder(tmp_path), ("--space", "balanced", "--axis", "lora.r=4,8", "--dry-run")
    assert sweep(path, *space) == 0
    said = capsys.readouterr().out
    assert "24 configurations" in said
    assert "8 refused" in said
    assert "16 runs of 100 steps, 1,600 in all" in said
    assert "--sequential takes at most 6." in said
    assert "refused #2, #3, #5, #6, #14, #15, #17, #18: LL301" in said
    allowed = told(path, capsys, *space, "--allow", "LL301")
    assert not [each for each in allowed["candidates"] if each["status"] == "refused"]


def test_a_warning_refuses_ones_own_candidates_only_if_strict(tmp_path, capsys):
    axes = ("--axis", "lora.r=4,8", "--axis", "lora.lora_dropout=0,0.05", "--dry-run")
    found = told(folder(tmp_path), capsys, *axes)
    assert [each["status"] for each in found["candidates"]] == ["not run"] * 4
    assert [each["warnings"] for each in members(found)] == [[], ["LL301"], [], []]
    strict = told(folder(tmp_path), capsys, *axes, "--strict")
    assert [each["rule"] for each in members(strict)] == ["", "LL301", "", ""]


def test_one_at_a_time_a_file_with_dropout_tries_rank_4(tmp_path, capsys):
    path = folder(tmp_path, CONFIG.replace("  r: 8\n", "  r: 8\n  lora_dropout: 0.05\n"))
    found = told(path, capsys, "--sequential", "--dry-run")
    small = [each for each in found["candidates"] if each["settings"]["lora.r"] == 4]
    assert [(each["status"], each["warnings"]) for each in small] == [("not run", ["LL301"])]


def test_an_error_refuses_and_the_rest_stays(tmp_path, capsys):
    axes = ("--axis", "lora.lora_alpha=0,16", "--dry-run")
    found = told(folder(tmp_path), capsys, *axes)
    assert [(each["rule"], each["status"]) for each in members(found)] == [
        ("LL101", "refused"),
        ("", "not run"),
    ]
    none = told(folder(tmp_path), capsys, "--axis", "lora.lora_alpha=0", "--dry-run", code=1)
    assert none["best"] is None


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (LLAMA, ["q_proj", "k_proj", "v_proj", "o_proj"]),
        (OPT, ["q_proj", "k_proj", "v_proj", "out_proj"]),
        (PHI3, ["qkv_proj", "o_proj"]),
    ],
)
def test_modules_are_looked_up_in_the_model(tmp_path, capsys, config, names):
    path = folder(tmp_path)
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    found = told(path, capsys, "--space", "balanced", "--dry-run")
    assert values(found, "lora.target_modules") == {json.dumps(names), '"all-linear"'}
    assert len(found["candidates"]) == 36


def test_an_unknown_model_has_no_axis_of_modules(tmp_path, capsys):
    path = folder(tmp_path, CONFIG.replace("path: model", "path: nobody/knows-this"))
    found = told(path, capsys, "--space", "balanced", "--dry-run")
    assert len(found["candidates"]) == 18
    assert any("nobody/knows-this are not known here" in note for note in found["notes"])


def test_without_a_learning_rate_its_axis_is_around_the_usual(tmp_path, capsys):
    path = folder(tmp_path, CONFIG.replace("  learning_rate: 2.0e-4\n", ""))
    found = told(path, capsys, "--space", "quick", "--dry-run")
    assert values(found, "training.learning_rate") == {"0.0002", "0.0004"}
    assert any("names no learning rate" in note for note in found["notes"])


def test_ones_own_axes(tmp_path, capsys):
    arguments = (
        *("--axis", "lora.r=8,16", "--axis", "lora.lora_alpha=r,2r,0.5r", "--axis", "run.seed=1,2"),
        *("--axis", "lora.target_modules=all-linear,[q_proj,v_proj]", "--dry-run"),
    )
    found = told(folder(tmp_path), capsys, *arguments)
    assert len(found["candidates"]) == 24
    assert members(found)[-1]["settings"] == {
        "lora.r": 16,
        "lora.lora_alpha": 8,
        "run.seed": 2,
        "lora.target_modules": ["q_proj", "v_proj"],
    }
    assert members(found)[-1]["choices"]["lora.lora_alpha"] == "0.5r"
    assert any("The learning rate is not swept" in note for note in found["notes"])


def test_an_axis_of_a_space_can_be_replaced(tmp_path, capsys):
    arguments = ("--space", "quick", "--axis", "lora.r=32", "--axis", "lora.use_rslora=true,false")
    found = told(folder(tmp_path), capsys, *arguments, "--dry-run")
    assert [axis["key"] for axis in found["axes"]] == [
        "lora.r",
        "training.learning_rate",
        "lora.use_rslora",
    ]
    assert len(found["candidates"]) == 4


def test_what_comes_to_the_same_runs_once(tmp_path, capsys):
    arguments = ("--axis", "lora.r=8", "--axis", "lora.lora_alpha=16,2r", "--dry-run")
    found = told(folder(tmp_path), capsys, *arguments)
    assert members(found)[1]["reason"] == "It is the same run as #1."


@pytest.mark.parametrize(
    ("axes", "speaks"),
    [
        (("lora.r=8,16,32", "lora.lora_alpha=2r"), True),
        (("lora.r=8,16,32", "lora.lora_alpha=r,2r"), True),
        (("lora.r=8,16,32", "lora.lora_alpha=r", "training.learning_rate=1e-4,2e-4"), False),
        (("lora.r=8,16", "lora.lora_alpha=2r"), False),
        (("lora.r=8,16,32",), False),
        (("lora.r=8,16,32", "lora.lora_alpha=16,32"), False),
    ],
)
def test_rank_and_step_size_are_confounded(tmp_path, capsys, axes, speaks):
    arguments = [word for axis in axes for word in ("--axis", axis)]
    found = told(folder(tmp_path), capsys, *arguments, "--dry-run")
    assert any(note.startswith("LL106: r takes 3") for note in found["notes"]) is speaks


def test_no_built_in_space_is_confounded(tmp_path, capsys):
    for arguments in (["--space", "balanced"], ["--sequential"]):
        found = told(folder(tmp_path), capsys, *arguments, "--dry-run")
        assert not [note for note in found["notes"] if note.startswith("LL106:")]


def test_what_does_not_fit_the_gpu_is_refused(tmp_path, capsys, monkeypatch):
    fake_nvidia_smi(tmp_path, monkeypatch, ["0, GPU-0, NVIDIA GeForce RTX 4090, 24564 MiB"])
    text = CONFIG.replace("path: model", "path: meta-llama/Llama-3.1-8B")
    text = text.replace("  use_cpu: true\n  bf16: false\n", "")
    axis = "training.per_device_train_batch_size=1,512"
    found = told(folder(tmp_path, text), capsys, "--axis", axis, "--dry-run")
    small, large = members(found)
    assert small["status"] == "not run"
    assert small["memory"] > 2**33
    assert large["status"] == "refused"
    assert large["reason"].startswith("It needs ")
    assert "a device" in large["reason"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what to sweep"),
        (("--space", "huge"), "invalid choice"),
        (("--trials", "0", "--space", "quick"), "no whole number from 1 on"),
        (("--axis", "lora.r"), "write --axis section.key=value,value"),
        (("--axis", "lora.r="), "write the values with commas"),
        (("--axis", "lora.r=8,]"), "write the values with commas"),
        (("--axis", "lora.r=8,8"), "a value stands there twice"),
        (("--axis", "lora.r=8", "--axis", "lora.r=16"), "lora.r is an axis already"),
        (("--axis", "lora.rank=8,16"), "lora has no key rank. Did you mean r?"),
        (("--axis", "adapter.r=8"), "there is no section adapter"),
        (("--axis", "lora.r=8,large"), "lora.r must be a whole number"),
        (("--axis", "lora.lora_alpha=2x"), "a multiple of the rank like r or 2r"),
        (("--axis", "hardware.count=1,2"), "the sweep itself decides this"),
        (("--axis", "run.output_dir=a,b"), "the sweep itself decides this"),
        (("--axis", "training.max_length=64,128"), "could not be compared"),
        (("--axis", "data.eval=a.jsonl,b.jsonl"), "could not be compared"),
        (("--space", "quick", "--allow", "LL999"), "no such rule"),
        (("--space", "quick", "--set", "lora.rank=2"), "Did you mean r?"),
        (
            ("--axis", f"run.seed={','.join(map(str, range(2001)))}"),
            "That is 2,001 configurations, and 2,000 are the most",
        ),
    ],
)
def test_bad_input(tmp_path, capsys, arguments, said):
    path = folder(tmp_path)
    try:
        code = sweep(path, *arguments, "--dry-run")
    except SystemExit as error:
        code = int(str(error.code))
    found = capsys.readouterr()
    assert code == 2
    assert said in found.err
    assert "Traceback" not in found.err


def test_a_configuration_without_a_gold_set(tmp_path, capsys):
    path = folder(tmp_path, CONFIG.replace("  eval: eval.jsonl\n", ""))
    assert sweep(path, "--space", "quick", "--dry-run") == 2
    assert "compares its trials on data.eval, and none is named" in capsys.readouterr().err


def test_a_foreign_configuration(tmp_path, capsys):
    path = tmp_path / "axolotl.yml"
    path.write_text("base_model: a/b\nadapter: lora\nlora_r: 8\nlora_alpha: 16\ndatasets: []\n")
    assert sweep(path, "--space", "quick", "--dry-run") == 2
    assert "lora-launch init" in capsys.readouterr().err


def test_a_dry_run_needs_nothing_heavy_and_writes_nothing(tmp_path):
    heavy = ("torch", "transformers", "peft", "trl", "optuna", "numpy")
    script = (
        "import sys\nfrom lora_launch.cli import main\n"
        "code = main(['sweep', '--config', sys.argv[1], '--space', 'quick', '--dry-run'])\n"
        f"print(code, sorted(set({heavy}) & set(sys.modules)))"
    )
    path = folder(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"
    assert sorted(tmp_path.rglob("*")) == before
