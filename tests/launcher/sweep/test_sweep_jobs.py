"""A sweep whose trials are Slurm jobs, with a Slurm that only pretends."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from lora_launch.cluster import slurm
from lora_launch.cluster.slurm import Job
from lora_launch.errors import LaunchError
from lora_launch.sweep import engine, jobs
from sweep_cases import done, failed, folder, sweep, told

RATES = ("--axis", "training.learning_rate=1e-4,2e-4,4e-4,8e-4", "--slurm")
SILENT = "Slurm does not answer: slurm_load_jobs error: Unable to contact slurm controller"


class Slurm:
    """Jobs that end as they are told, when they are asked after for the second time."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.places: dict[str, Path] = {}
        self.asked: list[list[str]] = []
        self.cancelled: list[str] = []
        self.most = 99
        self.stands = False
        """Whether no job gets any further."""
        self.act: Callable[[str, Path], str] = self.well
        """What a job does; the answer is its state then."""
        self.before: Callable[[], None] = lambda: None
        """Comes before every answer."""

    @staticmethod
    def well(_number: str, place: Path) -> str:
        done(place, 1.0 + int(place.name[-1]) / 10)
        return "COMPLETED"

    def submit(self, script: str, _partition: str | None) -> str:
        if len(self.living) >= self.most:
            raise LaunchError("Slurm refused the job: QOSMaxSubmitJobPerUserLimit.")
        number = str(len(self.states) + 1)
        self.states[number], self.places[number] = "PENDING", Path(script).parent
        return number

    @property
    def living(self) -> list[str]:
        return [number for number, state in self.states.items() if state in ("PENDING", "RUNNING")]

    def several(self, numbers) -> dict[str, Job]:
        self.asked.append(sorted(numbers))
        self.before()
        for number in sorted(set(numbers) & set(self.living) if not self.stands else ()):
            state = self.states[number]
            self.states[number] = (
                "RUNNING" if state == "PENDING" else self.act(number, self.places[number])
            )
        return {each: Job(each, self.states[each]) for each in numbers if self.states.get(each)}

    def cancel(self, number: str) -> None:
        self.cancelled.append(number)
        self.act = lambda _number, _place: "CANCELLED"


@pytest.fixture
def cluster(monkeypatch) -> Slurm:
    found = Slurm()
    monkeypatch.setattr(slurm, "submit", found.submit)
    monkeypatch.setattr(slurm, "several", found.several)
    monkeypatch.setattr(slurm, "cancel", found.cancel)
    monkeypatch.setattr(slurm, "job", lambda number: None)
    monkeypatch.setattr(jobs, "ASK", 0.0)
    monkeypatch.setattr(engine, "PAUSE", 0.0)
    monkeypatch.setattr(engine, "LOOK_EVERY", 0.0)
    return found


def by_number(found: dict) -> dict[int, tuple[str, str]]:
    return {each["number"]: (each["status"], each["reason"]) for each in found["candidates"]}


def submitted(tmp_path: Path, number: int) -> list[str]:
    path = tmp_path / "out-sweep" / f"trial-00{number}" / "slurm.json"
    return [each["id"] for each in json.loads(path.read_text())["jobs"]]


def test_a_trial_is_the_job_of_an_ordinary_launch(tmp_path, capsys, cluster):
    path = folder(tmp_path)
    options = ("--partition", "gpu", "--time", "2:00:00", "--allow", "LL102", "--strict")
    found = told(path, capsys, *RATES, *options, "--set", "lora.r=9")
    assert found["best"] == 1
    assert set(by_number(found).values()) == {("done", "")}
    place = tmp_path / "out-sweep" / "trial-002"
    script = (place / "slurm.sh").read_text()
    assert "#SBATCH --partition=gpu\n" in script
    assert "#SBATCH --job-name=small-002\n" in script
    assert f"--set run.output_dir={place}" in script
    assert "--set training.learning_rate=0.0002 " in script
    assert "--allow LL102 --strict" in script
    assert "Plan for small-002" in (place / "launch.txt").read_text()


@pytest.mark.parametrize(("jobs_at_once", "most"), [((), 4), (("--jobs", "2"), 2)])
def test_so_many_jobs_at_a_time(tmp_path, capsys, cluster, jobs_at_once, most):
    told(folder(tmp_path), capsys, *RATES, *jobs_at_once)
    assert max(map(len, cluster.asked)) == most


def test_a_stopped_sweep_leaves_its_jobs_and_takes_them_up_again(tmp_path, capsys, cluster):
    path = folder(tmp_path)
    cluster.stands = True
    cluster.before = lambda: signal.raise_signal(signal.SIGTERM)
    assert sweep(path, *RATES, "--jobs", "2") == 143
    assert "jobs stay in Slurm: 1, 2. The same command goes on with them" in capsys.readouterr().out
    assert cluster.cancelled == []
    cluster.before = lambda: None
    assert sweep(path, *RATES, "--restart") == 2
    assert "`scancel 1 2` ends them" in capsys.readouterr().err
    cluster.states["1"] = Slurm.well("1", cluster.places["1"])  # while nobody looked
    cluster.stands = False
    assert sweep(path, *RATES, "--jobs", "2") == 0
    said = capsys.readouterr().out
    assert "#1 has ended meanwhile: Slurm job 1: " in said
    assert "#1 done: evaluation loss 1.1" in said
    assert "#3 submitted as Slurm job 3: " in said
    assert [submitted(tmp_path, number) for number in (1, 2, 3, 4)] == [["1"], ["2"], ["3"], ["4"]]
    told(path, capsys, *RATES)
    assert len(cluster.states) == 4


def test_what_is_in_the_queue_is_taken_up_before_anything_is_chosen(tmp_path, capsys, cluster):
    path, axes = folder(tmp_path), (*RATES, "--axis", "lora.r=8,16,32,64", "--trials", "3")
    cluster.stands = True
    cluster.before = lambda: signal.raise_signal(signal.SIGTERM)
    told(path, capsys, *axes, code=143)
    cluster.stands = False
    cluster.before = lambda: None
    found = told(path, capsys, *axes)
    assert len(cluster.states) == 3
    assert sum(each["status"] == "done" for each in found["candidates"]) == 3


def test_how_jobs_end_that_do_not_end_well(tmp_path, capsys, cluster):
    path = folder(tmp_path)

    def act(number: str, place: Path) -> str:
        if number == "1":
            return "CANCELLED"
        failed(place, "The disk is full.")
        if number == "2":
            log = "lora-launch: The disk is full.\n"
        else:
            log = "" if number == "3" else "lora-launch: x.yaml has changed.\n"
        (place / f"slurm-{number}.log").write_text(log)
        if number == "3":
            del cluster.states[number]
            return ""
        return "FAILED"

    cluster.act = act
    found = by_number(told(path, capsys, *RATES, "--jobs", "1", code=2))
    assert found[1][1].startswith("It was cancelled (Slurm job 1); --retry-failed submits it again")
    assert found[2] == ("failed", "The disk is full.")
    forgotten = "It ended (Slurm job 3), and Slurm has forgotten how: it wrote nothing"
    assert found[3] == ("failed", forgotten)
    # the record's message is of an earlier job
    assert found[4] == ("failed", "It ended (Slurm job 4): x.yaml has changed.")
    cluster.act = Slurm.well
    for place in cluster.places.values():
        (place / "run.json").unlink(missing_ok=True)  # it has not the identity of a real one
    found = by_number(told(path, capsys, *RATES, "--retry-failed"))
    assert {status for status, _ in found.values()} == {"done"}
    assert submitted(tmp_path, 1) == ["1", "5"]


def test_a_slurm_that_does_not_answer_ends_nothing(tmp_path, capsys, cluster):
    answers = iter([False, False, True, False])

    def before() -> None:
        if not next(answers, True):
            raise LaunchError(SILENT)

    cluster.before = before
    assert sweep(folder(tmp_path), *RATES) == 0
    said = capsys.readouterr().out
    assert said.count("Unable to contact slurm controller. The jobs go on") == 2
    assert said.count(" done: ") == 4


def test_a_limit_of_the_cluster_is_waited_for(tmp_path, capsys, cluster):
    cluster.most = 2
    assert sweep(folder(tmp_path), *RATES) == 0
    said = capsys.readouterr().out
    assert "#3 waits for another's end: Slurm refused the job: QOSMaxSubmit" in said
    assert said.count(" done: ") == 4
    cluster.most = 0
    path = folder(tmp_path)
    assert sweep(path, *RATES, "--output", str(tmp_path / "none")) == 2
    assert "lora-launch: Slurm refused the job: QOSMaxSubmit" in capsys.readouterr().err


def test_a_diverging_job_is_cancelled(tmp_path, capsys, cluster):
    def diverges(number: str, place: Path) -> str:
        if number != "4":
            return Slurm.well(number, place)
        lines = [json.dumps({"step": step, "loss": 9.0 if step else 2.0}) for step in range(4)]
        (place / "metrics.jsonl").write_text("\n".join(lines) + "\n")
        return "RUNNING"

    cluster.act = diverges
    found = by_number(told(folder(tmp_path), capsys, *RATES))
    assert cluster.cancelled == ["4"]
    assert found[4][0] == "diverged"
    assert "Stopped at step 3: its training loss is 9.00" in found[4][1]


def test_slurms_options_need_slurm(tmp_path, capsys, cluster):
    assert sweep(folder(tmp_path), *RATES[:2], "--partition", "gpu") == 2
    assert "--partition goes with --slurm." in capsys.readouterr().err
    assert sweep(folder(tmp_path), *RATES, "--sbatch", "array=1-3") == 2
    assert "array is set by lora-launch" in capsys.readouterr().err
