"""The record of a run, of a simulation, and its picture. No torch."""

import json
import xml.etree.ElementTree as ET

import pytest

from lora_launch.simulator import BadRun, SimulatedRun, Simulation
from lora_launch.simulator.__main__ import main
from lora_launch.simulator.replay import Peak, Sample
from lora_launch.simulator.svg import picture

GIB = 2**30
LLAMA = {"model_type": "llama"}


def simulation(**changes):
    run = SimulatedRun(LLAMA, gpu_total_bytes=16 * GIB)
    low = Sample(0, "load", (5 * GIB, 0, 0, 0, 0, 0, 0), 6 * GIB)
    high = Sample(9, "backward 2", (5 * GIB, 1, 2, 3, 4 * GIB, GIB, 0), 12 * GIB)
    values = {
        "run": run,
        "allocated": high.allocated,
        "reserved": 12 * GIB,
        "loaded": low.allocated,
        "peak": high,
        "phases": {"load": Peak(5 * GIB, 6 * GIB), "backward 2": Peak(high.allocated, 12 * GIB)},
        "timeline": (low, high),
        "trainable_parameters": 1,
        "total_parameters": 2,
        "fits": True,
        "out_of_memory": None,
        "versions": {"torch": "2.13.0"},
        "seconds": 1.0,
        "events": 10,
    }
    return Simulation(**{**values, **changes})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "names no model_config"),
        ({"model_config": {}}, "no model_type"),
        ({"model_config": LLAMA, "batch": 0}, "batch must be a whole number above 0"),
        ({"model_config": LLAMA, "length": "2k"}, "length must be a whole number"),
        ({"model_config": LLAMA, "quantization": "awq"}, "quantization 'awq' is not simulated"),
        ({"model_config": LLAMA, "world_size": 2}, "several GPUs need a strategy"),
        ({"model_config": LLAMA, "learning_rate": 1}, "unknown setting learning_rate"),
    ],
)
def test_a_run_that_cannot_be_simulated_is_refused_in_a_sentence(values, said):
    with pytest.raises(BadRun, match=said):
        SimulatedRun.from_dict(values)


def test_a_run_survives_json():
    run = SimulatedRun(LLAMA, {"r": 8}, gpu_capability=(7, 5))
    assert SimulatedRun.from_dict(json.loads(json.dumps(run.to_dict()))) == run


def test_a_simulation_is_json():
    told = json.loads(json.dumps(simulation().to_dict()))
    assert told["peak"]["by_category"]["activations"] == 4 * GIB
    assert told["timeline"][1]["reserved_bytes"] == 12 * GIB


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "fits"),
        ({"allocated": 14 * GIB}, "close"),
        ({"fits": False}, "out of memory"),
        ({"fits": None}, None),
    ],
)
def test_the_verdict_knows_the_share_that_measured_runs_reached(changes, verdict):
    assert simulation(**changes).verdict == verdict


def test_the_picture_is_well_formed_and_names_what_it_shows():
    drawing = picture(simulation())
    root = ET.fromstring(drawing)  # noqa: S314 - our own
    areas = [one for one in root.iter() if one.tag.endswith("polygon")]
    assert len(areas) == 7
    for word in ("logits and loss", "backward 2", "the GPU: 16.0 GiB", "10.00 GiB allocated"):
        assert word in drawing


def test_bad_files_are_one_line_and_exit_2(tmp_path, capsys):
    for text in ("{", "[]", "{}", '{"model_config": {"model_type": "llama"}, "x": 1}'):
        path = tmp_path / "run.json"
        path.write_text(text)
        assert main([str(path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_all_that_describes_an_adapter_is_a_keyword_of_peft_or_is_left_out() -> None:
    from lora_launch.simulator.translate import _OURS
    from lora_rules.facts.adapter.adapter import Adapter
    from lora_rules.libraries.signatures import fields

    assert set(Adapter._fields) - set(_OURS) <= fields("peft.LoraConfig")
