"""Which machine this is, and how the others reach the first."""

from __future__ import annotations

import pytest

from lora_launch.cluster.place import Asked, find, interface
from lora_launch.errors import LaunchError


def test_a_run_of_one_machine_needs_no_telling():
    assert find(1, Asked(), {}).leads
    assert find(1, Asked(rank=0), {"NODE_RANK": "3"}).leads
    with pytest.raises(LaunchError, match=r"the run has one machine; hardware\.nodes"):
        find(1, Asked(rank=1), {})


def test_the_command_line_comes_before_the_environment():
    place = find(4, Asked(rank=2), {"NODE_RANK": "3"})
    assert place.rank == 2
    assert place.address == ""


@pytest.mark.parametrize(
    ("variables", "rank"),
    [
        ({"NODE_RANK": "1"}, 1),
        ({"MACHINE_RANK": "1"}, 1),
        ({"SLURM_STEP_NUM_NODES": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NODEID": "1"}, 1),
    ],
)
def test_starters_are_heard(variables, rank):
    assert find(2, Asked(), variables).rank == rank


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"NODE_RANK": "one"},
        {"SLURM_STEP_NUM_NODES": "2", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NODEID": "1"},
        {"SLURM_STEP_NUM_NODES": "1", "SLURM_STEP_NUM_TASKS": "1", "SLURM_NODEID": "0"},
    ],
)
def test_a_machine_that_nobody_named_is_an_error(variables):
    with pytest.raises(LaunchError, match="--machine-rank 0 to 1"):
        find(2, Asked(), variables)


def test_a_rank_that_does_not_exist():
    with pytest.raises(LaunchError, match=r"hardware\.nodes is 2, so it is 0 to 1"):
        find(2, Asked(rank=2), {})


def test_the_first_machine_gives_its_name_if_no_address_is_told():
    assert find(2, Asked(rank=0), {}).address
    assert find(2, Asked(rank=0, address="10.0.0.1"), {}).address == "10.0.0.1"


def test_the_interface_of_an_address():
    assert interface("127.0.0.1") == "lo"
    assert interface("no such host.invalid") == ""
