"""A sweep's course with trials that only pretend: order, resume, failures, what it leaves."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from launch_cases import fake_nvidia_smi
from lora_launch.cli import main
from lora_launch.sweep import result
from lora_launch.sweep.result import End, Result
from sweep_cases import CONFIG, Pretended, failed, folder, interrupts, sweep, told, trials

__all__ = ["trials"]
RATES = ("--axis", "training.learning_rate=1e-4,2e-4,4e-4,8e-4")


def by_number(found: dict) -> dict[int, dict]:
    return {each["number"]: each for each in found["candidates"]}


def test_the_grid_runs_in_order_and_the_best_is_first(tmp_path, capsys, trials):
    path = folder(tmp_path)
    found = told(path, capsys, "--space", "quick")
    assert trials.folders == [f"trial-00{number}" for number in (1, 2, 3, 4)]
    assert [each["number"] for each in found["candidates"]] == [4, 2, 3, 1]
    assert found["best"] == 4
    assert found["candidates"][0]["eval_loss"] == pytest.approx(1.05)
    assert found["candidates"][0]["seconds"] == 7.5
    first = trials.settings[0]
    assert first["run.output_dir"] == str(tmp_path / "out-sweep" / "trial-001")
    assert first["run.name"] == "small-001"
    assert trials.lines[0][1:5] == ["-m", "lora_launch.cli", "--config", str(path)]


def test_what_it_leaves(tmp_path, capsys, trials):
    path = folder(tmp_path, CONFIG.replace("  r: 8\n", "  r: 8  # small\n"))
    assert sweep(path, "--space", "balanced", "--axis", "lora.r=4,16") == 0
    said = capsys.readouterr().out
    assert "Best of 16: #23 (target_modules=all-linear, r=16, learning_rate=0.0004," in said
    made = tmp_path / "out-sweep"
    text = (made / "best.yaml").read_text()
    best = yaml.safe_load(text)
    assert best["lora"]["r"] == 16
    assert best["lora"]["lora_dropout"] == 0.05
    assert best["training"]["learning_rate"] == 4e-4
    assert best["data"]["eval"] == str(tmp_path / "eval.jsonl")
    assert "# small" in text
    assert main(["--config", str(made / "best.yaml"), "--dry-run"]) == 0
    page = (made / "sweep.html").read_text()
    assert page.count("<svg") == 4
    assert page.count('class="best" cx') == 4
    assert "http" not in page
    assert "dropout-at-tiny-rank" in page
    assert (made / "sweep.md").read_text().count("\n") == 26
    assert json.loads((made / "sweep.json").read_text())["best"] == 23


def test_one_thing_at_a_time(tmp_path, capsys, trials):
    found = told(folder(tmp_path), capsys, "--sequential")
    keys = [stage["axis"] for stage in found["stages"]]
    assert keys == [
        "lora.target_modules",
        "lora.r",
        "lora.lora_alpha",
        "training.learning_rate",
        "lora.lora_dropout",
    ]
    run = [
        tuple(
            each[key]
            for key in ("lora.r", "lora.lora_alpha", "training.learning_rate", "lora.lora_dropout")
        )
        for each in trials.settings
    ]
    assert [each["lora.target_modules"] for each in trials.settings[:3]] == [
        ["q_proj", "v_proj"],
        ["q_proj", "k_proj", "v_proj", "o_proj"],
        "all-linear",
    ]
    assert run == [
        *[(8, 16, 2e-4, 0)] * 3,
        *[(rank, 16, 2e-4, 0) for rank in (4, 16, 32)],
        (16, 32, 2e-4, 0),
        (16, 16, 1e-4, 0),
        (16, 16, 4e-4, 0),
        (16, 16, 4e-4, 0.05),
        (16, 16, 4e-4, 0.1),
    ]
    best = by_number(found)[found["best"]]
    assert best["eval_loss"] == pytest.approx(1.0)
    assert "r: 16 is best" in found["notes"]


def test_one_thing_at_a_time_is_right_in_parallel_too(tmp_path, capsys, trials):
    alone = told(folder(tmp_path), capsys, "--sequential", "--output", str(tmp_path / "a"))
    several = told(
        folder(tmp_path), capsys, "--sequential", "--jobs", "3", "--output", str(tmp_path / "b")
    )
    assert several["candidates"] == alone["candidates"]


def test_ones_own_axes_one_at_a_time(tmp_path, capsys, trials):
    axes = ("--axis", "lora.lora_dropout=0.05,0.1", "--axis", "lora.r=16,32", "--sequential")
    found = told(folder(tmp_path), capsys, *axes)
    assert [stage["axis"] for stage in found["stages"]] == ["lora.r", "lora.lora_dropout"]
    assert by_number(found)[found["best"]]["settings"] == {"lora.r": 16, "lora.lora_dropout": 0.05}


def test_a_stopped_sweep_goes_on_and_repeats_nothing(tmp_path, capsys, trials):
    path = folder(tmp_path)
    trials.act = lambda settings, place: (
        interrupts(settings, place) if place.name == "trial-003" else None
    )
    found = told(path, capsys, *RATES, code=143)
    assert [each["status"] for each in found["candidates"]] == ["done"] * 2 + ["not run"] * 2
    trials.act = lambda _settings, _place: None
    found = told(path, capsys, *RATES)
    assert trials.folders == ["trial-001", "trial-002", "trial-003", "trial-003", "trial-004"]
    assert [each["status"] for each in found["candidates"]] == ["done"] * 4
    told(path, capsys, *RATES)
    assert len(trials.folders) == 5
    told(path, capsys, *RATES, "--restart")
    assert len(trials.folders) == 9


def test_a_stopped_sequential_sweep_goes_on_and_repeats_nothing(tmp_path, capsys, trials):
    path = folder(tmp_path)
    trials.act = lambda settings, place: (
        interrupts(settings, place) if place.name == "trial-008" else None
    )
    told(path, capsys, "--sequential", code=143)
    trials.act = lambda _settings, _place: None
    again = told(path, capsys, "--sequential")
    assert trials.folders.count("trial-008") == 2
    assert len(set(trials.folders)) == len(trials.folders) - 1
    whole = told(path, capsys, "--sequential", "--output", str(tmp_path / "whole"))
    assert again["candidates"] == whole["candidates"]


def test_the_storage_is_a_study_of_optuna(tmp_path, capsys, trials):
    import optuna
    from optuna.storages.journal import JournalFileBackend

    file = tmp_path / "books" / "all.journal"
    found = told(folder(tmp_path), capsys, "--space", "quick", "--storage", str(file))
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(file)))
    study = optuna.load_study(study_name="small", storage=storage)
    assert len(study.trials) == 4
    assert study.best_params == {"lora.r": 16, "training.learning_rate": 4e-4}
    assert study.best_trial.user_attrs["number"] == found["best"]


def test_another_sweep_in_the_storage_is_refused(tmp_path, capsys, trials):
    path = folder(tmp_path)
    told(path, capsys, *RATES)
    assert sweep(path, "--space", "quick") == 1
    assert "holds a sweep with another axes" in capsys.readouterr().err
    assert sweep(path, *RATES, "--set", "training.max_steps=5") == 1
    assert "another configuration" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["hello\n", "[1]\n", '{"op_code": 99}\n'])
def test_a_storage_that_is_none(tmp_path, capsys, trials, content):
    file = tmp_path / "x.journal"
    file.write_text(content)
    assert sweep(folder(tmp_path), *RATES, "--storage", str(file)) == 2
    assert "is no journal of optuna" in capsys.readouterr().err


def test_a_storage_that_cannot_be_used(tmp_path, capsys, trials):
    assert sweep(folder(tmp_path), *RATES, "--storage", str(tmp_path)) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_fewer_trials_than_members(tmp_path, capsys, trials):
    path, axes = folder(tmp_path), (*RATES, "--axis", "lora.r=8,16,32,64")
    found = told(path, capsys, *axes, "--trials", "12")
    assert len(set(trials.folders)) == len(trials.folders) == 12
    assert trials.folders != sorted(trials.folders)
    assert sum(each["status"] == "done" for each in found["candidates"]) == 12
    told(path, capsys, *axes, "--trials", "12")
    assert len(trials.folders) == 12
    told(path, capsys, *axes, "--trials", "99")
    assert len(set(trials.folders)) == len(trials.folders) == 16


def test_failures_are_in_the_table_and_may_be_tried_again(tmp_path, capsys, trials):
    path = folder(tmp_path)
    messages = {"trial-001": "The disk is full.", "trial-002": "The loss of step 4 is nan. Why."}
    trials.act = lambda _settings, place: (
        failed(place, messages[place.name]) if place.name in messages else None
    )
    found = by_number(told(path, capsys, *RATES))
    assert (found[1]["status"], found[1]["reason"]) == ("failed", "The disk is full.")
    assert found[2]["status"] == "diverged"
    assert "lost" in (tmp_path / "out-sweep" / "sweep.html").read_text()
    trials.act = lambda _settings, _place: None
    told(path, capsys, *RATES)
    assert len(trials.folders) == 4
    found = by_number(told(path, capsys, *RATES, "--retry-failed"))
    assert trials.folders[4:] == ["trial-001"]
    assert found[1]["status"] == "done"


def test_a_trial_that_left_nothing_is_told_by_its_last_words(tmp_path, capsys, trials):
    def breaks(_settings: dict, place: Path) -> Pretended:
        (place / "launch.txt").write_text("Plan\nlora-launch: No GPU: it is gone.\n")
        return Pretended(2)

    trials.act = breaks
    found = told(folder(tmp_path), capsys, *RATES, code=2)
    assert found["best"] is None
    assert found["candidates"][0]["reason"] == "It ended with exit code 2: No GPU: it is gone."
    assert not (tmp_path / "out-sweep" / "best.yaml").exists()


def test_a_diverging_trial_is_stopped(tmp_path, capsys, trials):
    processes: list[Pretended] = []

    def diverges(settings: dict, place: Path) -> Pretended | None:
        if settings["training.learning_rate"] < 8e-4:
            return None
        losses = [2.0, 3.0, 9.0, 9.5, 10.0]
        lines = [json.dumps({"step": step, "loss": loss}) for step, loss in enumerate(losses, 1)]
        (place / "metrics.jsonl").write_text("\n".join(lines) + "\n")
        processes.append(Pretended(0, ends=False))
        return processes[-1]

    trials.act = diverges
    found = by_number(told(folder(tmp_path), capsys, *RATES))
    assert [each.signals for each in processes] == [[15]]
    assert found[4]["status"] == "diverged"
    assert "Stopped at step 5: its training loss is 10.00" in found[4]["reason"]
    assert "512 tokens" in found[4]["reason"]


@pytest.mark.parametrize(
    ("losses", "speaks"),
    [
        ([2.0, 9.0, 9.0, 9.0], True),
        ([2.0, 9.0, 9.0, 6.0], False),
        ([2.0, 6.0, 6.0, 6.0], False),  # worse, but better than a guess
        ([6.2, 6.4, 6.5, 6.6], False),  # a model that knows nothing yet
        ([2.0, 9.0, 9.0], False),
    ],
)
def test_what_diverging_means(tmp_path, losses, speaks):
    from lora_launch.run.folder import Folder

    lines = [json.dumps({"step": step, "loss": loss}) for step, loss in enumerate(losses)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    assert bool(result.divergence(Folder(str(tmp_path)), 512)) is speaks
    assert result.divergence(Folder(str(tmp_path)), None) == ""


def test_an_evaluation_loss_that_is_no_number(tmp_path):
    from lora_launch.run.folder import Folder

    well = End(str(tmp_path / "launch.txt"), "ended with exit code 0")
    for loss, status in ((float("nan"), "diverged"), (None, "failed"), (1.5, "done")):
        outcome = {"status": "done", "step": 1, "final": {"final_loss": loss}}
        record = {"status": "done", "outcome": outcome, "attempts": []}
        (tmp_path / "run.json").write_text(json.dumps(record))
        assert result.read(Folder(str(tmp_path)), well, "").status == status
    assert Result(**result.read(Folder(str(tmp_path)), well, "").record).loss == 1.5


def test_a_trial_a_gpu(tmp_path, capsys, trials, monkeypatch):
    cards = [f"{number}, GPU-{number}, NVIDIA H200, 143771 MiB" for number in range(4)]
    fake_nvidia_smi(tmp_path, monkeypatch, cards)
    path = folder(tmp_path, CONFIG.replace("  use_cpu: true\n", ""))
    told(path, capsys, *RATES)
    used = {each["CUDA_VISIBLE_DEVICES"] for each in trials.environments}
    assert used == {f"GPU-{number}" for number in range(4)}
    best = yaml.safe_load((tmp_path / "out-sweep" / "best.yaml").read_text())
    assert best["hardware"]["count"] == 1
    more = ("--set", "hardware.count=2", "--output", str(tmp_path / "two"))
    told(path, capsys, *RATES, *more)
    assert {each["CUDA_VISIBLE_DEVICES"] for each in trials.environments[4:]} == {
        "GPU-0,GPU-1",
        "GPU-2,GPU-3",
    }
    assert sweep(path, *RATES, *more, "--jobs", "3") == 2
    assert "a trial takes 2 GPUs and 4 are visible, so 2 run at a time" in capsys.readouterr().err


def test_trials_share_the_cores(tmp_path, capsys, trials, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    told(folder(tmp_path), capsys, *RATES, "--jobs", "2")
    assert {each["OMP_NUM_THREADS"] for each in trials.environments} == {"4"}


def test_allowances_go_with_every_trial(tmp_path, capsys, trials):
    told(folder(tmp_path), capsys, *RATES, "--strict", "--allow", "LL102", "--set", "lora.r=9")
    line = trials.lines[0]
    assert line[line.index("--allow") + 1] == "LL102"
    assert "--strict" in line
    assert trials.settings[0]["lora.r"] == 9


def test_a_configuration_that_changes_meanwhile(tmp_path, capsys, trials):
    path = folder(tmp_path)

    def edits(_settings: dict, _place: Path) -> None:
        path.write_text(path.read_text().replace("r: 8", "r: 16"))

    trials.act = edits
    assert sweep(path, *RATES) == 2
    assert "has changed while it was being swept" in capsys.readouterr().err
    assert len(trials.folders) == 1


def test_a_trial_that_outlived_its_sweep_is_waited_for(tmp_path, capsys, trials, monkeypatch):
    from lora_launch.run.folder import Folder
    from lora_launch.sweep import engine

    (tmp_path / "out-sweep" / "trial-002").mkdir(parents=True)
    held = Folder(str(tmp_path / "out-sweep" / "trial-002")).locked()
    held.__enter__()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if trials.folders == ["trial-001"] and len(slept) == 3:
            held.__exit__(None, None, None)

    monkeypatch.setattr(engine.time, "sleep", sleep)
    assert sweep(folder(tmp_path), *RATES, "--jobs", "1") == 0
    said = capsys.readouterr().out
    assert said.count("#2 waits: ") == 1
    assert "in use by process" in said
    assert trials.folders == ["trial-001", "trial-002", "trial-003", "trial-004"]


def test_a_folder_in_use(tmp_path, capsys, trials):
    from lora_launch.run.folder import Folder

    path = folder(tmp_path)
    (tmp_path / "out-sweep").mkdir()
    with Folder(str(tmp_path / "out-sweep")).locked():
        assert sweep(path, *RATES) == 2
    assert "in use by process" in capsys.readouterr().err


def test_too_little_disk_for_all_trials(tmp_path, capsys, trials, monkeypatch):
    path = folder(tmp_path)
    each = told(path, capsys, *RATES, "--dry-run")["candidates"][0]["trained"] * 12
    free = 3 * each  # a trial keeps one checkpoint, and its adapter is a third of that
    monkeypatch.setattr("lora_launch.plan.plan.free_bytes", lambda _folder: free)
    assert sweep(path, *RATES, "--keep-checkpoints") == 1
    assert "the trials' adapters and checkpoints take" in capsys.readouterr().err
    assert sweep(path, *RATES, "--jobs", "2") == 1
    assert "the checkpoints of those that run, take" in capsys.readouterr().err
    assert trials.lines == []
    assert sweep(path, *RATES) == 0


def test_checkpoints_go_when_a_trial_is_judged(tmp_path, capsys, trials):
    path = folder(tmp_path)

    def saves(_settings: dict, place: Path) -> Pretended | None:
        (place / "checkpoints" / "checkpoint-3").mkdir(parents=True)
        (place / "adapter").mkdir(parents=True)
        return failed(place, "No.") if place.name == "trial-002" else None

    def kept(made: Path, name: str) -> set[str]:
        return {each.parent.name for each in made.glob(f"trial-*/{name}")}

    trials.act = saves
    told(path, capsys, *RATES)
    made = tmp_path / "out-sweep"
    assert kept(made, "checkpoints") == {"trial-002"}  # --retry-failed goes on from it
    assert len(kept(made, "adapter")) == 4
    told(path, capsys, *RATES, "--output", str(tmp_path / "all"), "--keep-checkpoints")
    assert len(kept(tmp_path / "all", "checkpoints")) == 4
    told(path, capsys, *RATES, "--output", str(tmp_path / "all"))
    assert kept(tmp_path / "all", "checkpoints") == {"trial-002"}


def test_a_sweep_over_several_machines_is_slurms(tmp_path, capsys, trials):
    path = folder(tmp_path)
    assert sweep(path, *RATES, "--set", "hardware.nodes=2") == 2
    assert "trials of several machines are Slurm jobs; add --slurm" in capsys.readouterr().err
    assert sweep(path, *RATES, "--set", "hardware.nodes=2", "--slurm", "--dry-run") == 0
    assert "each on 2 machines, each its CPU" in capsys.readouterr().out


def test_starting_over_leaves_a_trial_that_runs(tmp_path, capsys, trials):
    from lora_launch.run.folder import Folder

    path = folder(tmp_path)
    told(path, capsys, *RATES)
    place = tmp_path / "out-sweep" / "trial-002"
    with Folder(str(place)).locked():
        assert sweep(path, *RATES, "--restart") == 2
    assert "in use by process" in capsys.readouterr().err
    assert len(list(place.parent.glob("trial-*"))) == 4


def test_without_optuna(tmp_path, capsys, trials, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert sweep(folder(tmp_path), *RATES) == 2
    assert "A sweep needs optuna" in capsys.readouterr().err


def test_a_file_with_training_output_dir(tmp_path, capsys, trials):
    text = CONFIG.replace("  output_dir: out\n", "").replace(
        "training:\n", "training:\n  output_dir: out\n"
    )
    told(folder(tmp_path, text), capsys, *RATES)
    assert trials.settings[0]["training.output_dir"].endswith("out-sweep/trial-001")
    assert "run.output_dir" not in trials.settings[0]
