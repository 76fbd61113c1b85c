"""The caching allocator's documented rules, and the replay of a history. No torch."""

import random

import pytest

from lora_launch.simulator.allocator import (
    MIB,
    CachingAllocator,
    OutOfMemory,
    rounded,
    segment_size,
)
from lora_launch.simulator.history import CATEGORIES, Category, History
from lora_launch.simulator.replay import replay


@pytest.mark.parametrize(
    ("asked", "given"), [(1, 512), (512, 512), (513, 1024), (MIB, MIB), (MIB + 1, MIB + 512)]
)
def test_a_request_is_rounded_to_512_bytes(asked, given):
    assert rounded(asked) == given


@pytest.mark.parametrize(
    ("asked", "reserved"),
    [
        (512, 2 * MIB),
        (MIB, 2 * MIB),
        (MIB + 512, 20 * MIB),
        (10 * MIB - 512, 20 * MIB),
        (10 * MIB, 10 * MIB),
        (10 * MIB + 512, 12 * MIB),
        (33 * MIB, 34 * MIB),
    ],
)
def test_a_segment_has_the_size_that_torch_documents(asked, reserved):
    assert segment_size(asked) == reserved
    allocator = CachingAllocator()
    allocator.allocate(asked)
    assert allocator.reserved == reserved


def test_two_small_requests_share_a_segment():
    allocator = CachingAllocator()
    allocator.allocate(MIB)
    allocator.allocate(MIB)
    assert (allocator.allocated, allocator.reserved) == (2 * MIB, 2 * MIB)


def test_a_large_remainder_up_to_a_mebibyte_is_not_split_and_counts_as_allocated():
    allocator = CachingAllocator()
    allocator.allocate(9 * MIB)
    second = allocator.allocate(10 * MIB)
    assert allocator.size_of(second) == 11 * MIB
    assert allocator.allocated == 20 * MIB


def test_the_smallest_block_that_is_large_enough_is_taken():
    allocator = CachingAllocator()
    large, small = allocator.allocate(40 * MIB), allocator.allocate(20 * MIB)
    allocator.free(large)
    allocator.free(small)
    assert allocator.allocate(20 * MIB) == small
    assert allocator.reserved == 60 * MIB


def test_freed_neighbours_merge():
    allocator = CachingAllocator()
    blocks = [allocator.allocate(4 * MIB) for _ in range(5)]
    assert allocator.reserved == 20 * MIB
    for block in (blocks[0], blocks[2], blocks[1], blocks[4], blocks[3]):
        allocator.free(block)
    assert allocator.allocate(20 * MIB) == blocks[0]
    assert allocator.reserved == 20 * MIB


def test_an_emptied_cache_keeps_segments_in_use():
    allocator = CachingAllocator()
    kept = allocator.allocate(2 * MIB)
    allocator.free(allocator.allocate(50 * MIB))
    allocator.empty_cache()
    assert allocator.reserved == 20 * MIB
    allocator.free(kept)
    allocator.empty_cache()
    assert allocator.reserved == 0


def test_a_full_driver_gets_the_cache_back_before_the_request_fails():
    allocator = CachingAllocator(capacity=100 * MIB)
    allocator.free(allocator.allocate(60 * MIB))
    allocator.allocate(80 * MIB)
    assert allocator.reserved == 80 * MIB
    with pytest.raises(OutOfMemory, match="allocated"):
        allocator.allocate(30 * MIB)


def test_any_order_of_requests_keeps_the_books():
    chance = random.Random(7)  # noqa: S311 - no secret
    allocator = CachingAllocator()
    live = []
    for _ in range(3000):
        if live and chance.random() < 0.5:
            allocator.free(live.pop(chance.randrange(len(live))))
        else:
            live.append(allocator.allocate(int(2 ** chance.uniform(0, 27))))
        assert allocator.allocated == sum(map(allocator.size_of, live)) <= allocator.reserved
    for block in live:
        allocator.free(block)
    allocator.empty_cache()
    assert (allocator.allocated, allocator.reserved) == (0, 0)


def history():
    made = History()
    made.begin("forward")
    weights = made.allocate(8 * MIB, Category.WEIGHTS, "load")
    activation = made.allocate(6 * MIB, Category.ACTIVATIONS, "mm")
    made.begin("backward")
    made.free(activation)
    made.allocate(30 * MIB, Category.WORKSPACE, "mm")
    made.free(weights)
    return made


def test_a_replay_gives_peaks_by_phase_and_category():
    found = replay(history())
    assert found.peak.phase == "backward"
    shares = dict(zip(CATEGORIES, found.peak.by_category, strict=True))
    assert shares[Category.WEIGHTS] == 8 * MIB
    assert shares[Category.WORKSPACE] == 30 * MIB
    assert found.phases["forward"].allocated == 14 * MIB
    assert found.reserved == 50 * MIB
    assert found.out_of_memory is None


def test_a_replay_says_where_the_memory_ran_out():
    assert replay(history(), 40 * MIB).out_of_memory == "backward"
    assert replay(history(), 50 * MIB).out_of_memory is None


def test_an_empty_history_has_a_peak_of_nothing():
    assert replay(History()).peak.allocated == 0
