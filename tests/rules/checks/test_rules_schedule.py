"""LL804 to LL807, LL811 to LL813, LLA03, and the facts that they count with."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_rules.engine.value import Absent, Known, Unknown, Value
from lora_rules.facts.run.training_steps import Batch, Steps, effective_batch, training_steps
from lora_rules.recipe import Origin, Setting
from told import factory, findings, told, trl

RATE = "learning_rate: 2.0e-4\n"


NOTHING = Absent("val_set_size is not given")


def held_out(share: float) -> Value:
    setting = Setting("val_set_size", (share,), Origin.WRITTEN, "val_size")
    return Known(share, setting)


def rows(number: int, *, exact: bool = True) -> object:
    from lora_rules.facts.data.dataset import Rows

    return Rows(number, exact)


# The facts


@pytest.mark.parametrize(
    ("given", "batch"),
    [
        ({"per_device_train_batch_size": 4, "gradient_accumulation_steps": 8}, Batch(32, False)),
        ({"per_device_train_batch_size": 4, "gpu_count": 8}, Batch(32, True)),
        ({"per_device_train_batch_size": 4, "global_batch_size": 64}, Batch(64, True)),
        ({"global_batch_size": 64}, Batch(64, True)),
    ],
)
def test_effective_batch(given: dict[str, int], batch: Batch) -> None:
    assert effective_batch(**given) == batch


def test_no_batch_is_absent_and_a_batch_of_zero_unknown() -> None:
    with pytest.raises(Absent):
        effective_batch()
    with pytest.raises(Unknown):
        effective_batch(0)


@pytest.mark.parametrize(
    ("number", "batch", "epochs", "steps"),
    [(1000, 8, 1, 125), (1001, 8, 1, 126), (1000, 8, 3, 375), (1000, 8, 0.5, 63), (3, 8, 2, 2)],
)
def test_steps_are_counted_as_the_trainer_counts_them(
    number: int, batch: int, epochs: float, steps: int
) -> None:
    """transformers 5.23: ceil(epochs x ceil(rows / batch)), at least one step an epoch."""
    counted = training_steps(NOTHING, None, rows(number), Batch(batch, True), epochs)
    assert counted == Steps(steps, exact=True, from_data=True)


def test_steps_are_a_bound_where_anything_is_not_known() -> None:
    def exact(held_out: Value, batch: Batch, packing: bool, known: bool) -> bool:
        data = rows(800, exact=known)
        return training_steps(held_out, None, data, batch, 1, packing).exact

    assert exact(NOTHING, Batch(8, True), False, True)
    assert not exact(NOTHING, Batch(8, False), False, True)
    assert not exact(NOTHING, Batch(8, True), True, True)
    assert not exact(NOTHING, Batch(8, True), False, False)
    assert not exact(held_out(0.1), Batch(8, True), False, True)
    assert exact(held_out(0.0), Batch(8, True), False, True)


def test_written_steps_win_and_rewards_are_not_counted() -> None:
    assert training_steps(NOTHING, 60, rows(9), Batch(8, True), 3).number == 60
    with pytest.raises(Unknown):
        training_steps(NOTHING, -1, None, Batch(8, True), 3)
    with pytest.raises(Unknown):
        training_steps(NOTHING, None, rows(9), Batch(8, True), None)
    with pytest.raises(Unknown):
        training_steps(NOTHING, None, rows(9), Batch(8, True), 3, False, "reinforcement")


# Batch and steps


@pytest.mark.parametrize(("accumulation", "speaks"), [(64, True), (32, False)])
def test_a_large_batch(accumulation: int, speaks: bool) -> None:
    text = factory(
        f"per_device_train_batch_size: 8\ngradient_accumulation_steps: {accumulation}\n{RATE}"
    )
    assert told(text, "LL804") == [("LL804", "info")] * speaks


def test_declared_gpus_count() -> None:
    text = factory(f"per_device_train_batch_size: 64\n{RATE}")
    assert told(text, "LL804") == []
    assert told(text, "LL804", gpu_count=8) == [("LL804", "info")]


@pytest.mark.parametrize(
    ("rows", "severity"), [(152, "warning"), (153, "info"), (792, "info"), (793, None)]
)
def test_few_steps(rows: int, severity: str | None) -> None:
    text = factory(f"per_device_train_batch_size: 8\nnum_train_epochs: 1\n{RATE}")
    expected = [] if severity is None else [("LL805", severity)]
    assert told(text, "LL805", train_rows=rows) == expected


@pytest.mark.parametrize("lines", ["max_steps: 10\n", "stage: ppo\n"])
def test_steps_that_are_written_and_rewards_are_left_alone(lines: str) -> None:
    text = factory(f"num_train_epochs: 1\n{RATE}").replace("stage: sft\n", "")
    lines = lines if lines.startswith("stage") else f"stage: sft\n{lines}"
    assert told(text + lines, "LL805", train_rows=100) == []


# Warm-up


@pytest.mark.parametrize(
    ("warmup", "steps", "severities"),
    [
        (100, 1000, []),
        (300, 1000, []),
        (301, 1000, ["warning"]),
        (1000, 1000, ["warning"]),
        (5, 10, ["info"]),
        (0, 1000, []),
        (-1, 1000, ["error"]),
    ],
)
def test_warmup_steps(warmup: int, steps: int, severities: list[str]) -> None:
    text = factory(f"max_steps: {steps}\nwarmup_steps: {warmup}\n{RATE}")
    assert told(text, "LL807") == [("LL807", severity) for severity in severities]


@pytest.mark.parametrize(
    ("ratio", "severities"), [(0.1, []), (0.3, []), (0.5, ["warning"]), (100, ["error"])]
)
def test_warmup_ratio(ratio: float, severities: list[str]) -> None:
    text = factory(f"warmup_ratio: {ratio}\n{RATE}")
    assert told(text, "LL807") == [("LL807", severity) for severity in severities]


@pytest.mark.slow
def test_transformers_really_refuses_what_is_called_an_error(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    with pytest.raises(ValueError, match="warmup_steps"):
        transformers.TrainingArguments(output_dir=str(tmp_path), warmup_steps=-1)


def test_a_share_given_as_steps_is_read_from_version_5_on(tmp_path: Path) -> None:
    script, text = str(tmp_path / "train.py"), trl("learning_rate=2e-4, warmup_steps=0.03")
    assert told(text, "LL807", "python", script) == []
    for pin, severity in (("==4.57.1", "error"), ("==4.41.0", "warning"), ("<5", "warning")):
        (tmp_path / "requirements.txt").write_text(f"transformers{pin}\n")
        assert told(text, "LL807", "python", script) == [("LL807", severity)]
    (tmp_path / "requirements.txt").write_text("transformers==5.2.0\n")
    assert told(text, "LL807", "python", script) == []
    assert told(text.replace("0.03", "0.5"), "LL807", "python", script) == [("LL807", "warning")]


def test_the_constant_schedule_has_no_warmup() -> None:
    lines = f"max_steps: 100\nwarmup_steps: 90\nlr_scheduler_type: constant\n{RATE}"
    assert told(factory(lines), "LL807,LL812") == [("LL812", "info")]
    kept = lines.replace("constant", "constant_with_warmup")
    assert told(factory(kept), "LL807,LL812") == [("LL807", "warning")]


# Epochs


@pytest.mark.parametrize(
    ("rows", "epochs", "held_out", "severity"),
    [
        (900, 5, True, None),
        (900, 6, True, "info"),
        (900, 20, False, "info"),
        (20_000, 3, False, None),
        (20_000, 4, False, "info"),
        (20_000, 6, True, "info"),
        (20_000, 6, False, "warning"),
        (60_000, 3, True, "info"),
        (60_000, 2, False, None),
    ],
)
def test_epochs(rows: int, epochs: int, held_out: bool, severity: str | None) -> None:
    lines = f"num_train_epochs: {epochs}\n{RATE}" + "val_size: 0.1\n" * held_out
    expected = [] if severity is None else [("LL806", severity)]
    assert told(factory(lines), "LL806", train_rows=rows) == expected


def test_reasoning_data_bear_many_epochs() -> None:
    text = factory(f"num_train_epochs: 20\ndataset: limo_reasoning\n{RATE}")
    assert told(text, "LL806", train_rows=20_000) == []


@pytest.mark.parametrize(
    ("training", "speaks"),
    [("", True), ("num_train_epochs=3", False), ("max_steps=60", False), ("max_steps=N", False)],
)
def test_epochs_that_nobody_wrote(training: str, speaks: bool) -> None:
    text = trl(f"learning_rate=2e-4, {training}")
    assert told(text, "LL811", "python") == [("LL811", "info")] * speaks


# Saving and evaluating

SAVING = trl('learning_rate=2e-4, save_strategy="no"') + "trainer.train()\n"


@pytest.mark.parametrize(
    ("after", "speaks"),
    [
        ("", True),
        ("print('done')", True),
        ("trainer.save_model('out')", False),
        ("trainer.model.save_pretrained('out')", False),
        ("if keep:\n    trainer.push_to_hub()", False),
        ("trainer.evaluate()", False),
        ("my_own_code(trainer)", False),
    ],
)
def test_nothing_saved(after: str, speaks: bool) -> None:
    found = [("LLA03", "warning")] * speaks
    assert told(f"{SAVING}{after}\n", "LLA03", "python") == found


def test_what_a_function_makes_may_be_saved_by_its_caller() -> None:
    lines = SAVING.splitlines()
    body = "".join(f"    {line}\n" for line in lines[2:])
    text = "\n".join(lines[:2]) + f"\ndef train():\n{body}    return trainer\n"
    assert told(text, "LLA03", "python") == []


def test_old_transformers_saved_at_the_end_only_where_an_interval_ended(tmp_path: Path) -> None:
    script = str(tmp_path / "train.py")
    text = trl("learning_rate=2e-4, max_steps=100") + "trainer.train()\n"
    assert told(text, "LLA03", "python", script) == []
    (tmp_path / "requirements.txt").write_text("transformers==4.41.0\n")
    assert told(text, "LLA03", "python", script) == [("LLA03", "warning")]
    (tmp_path / "requirements.txt").write_text("transformers==4.42.0\n")
    assert told(text, "LLA03", "python", script) == []


@pytest.mark.parametrize(
    ("lines", "severity"),
    [
        ("max_steps: 300\neval_steps: 500\neval_strategy: steps\n", "warning"),
        ("max_steps: 30\neval_steps: 500\neval_strategy: steps\n", "info"),
        ("max_steps: 300\neval_steps: 100\neval_strategy: steps\n", None),
        ("max_steps: 300\neval_steps: 0.5\neval_strategy: steps\n", None),
        ("max_steps: 300\neval_steps: 500\neval_strategy: epoch\n", None),
        ("eval_steps: 500\neval_strategy: steps\n", None),
    ],
)
def test_an_evaluation_that_never_comes(lines: str, severity: str | None) -> None:
    expected = [] if severity is None else [("LL813", severity)]
    assert told(factory(f"val_size: 0.1\n{RATE}{lines}"), "LL813") == expected


def test_messages_name_the_numbers() -> None:
    lines = "per_device_train_batch_size: 8\ngradient_accumulation_steps: 8\nnum_train_epochs: 1\n"
    text = factory(lines + RATE)
    (one,) = findings(text, "LL805", train_rows=400)
    assert "400 rows x 1 epochs / at least 64 examples a step = at most 7" in one.message
