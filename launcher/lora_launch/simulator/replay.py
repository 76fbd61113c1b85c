"""A history replayed through the allocator: peaks, and the time line of memory by category."""

from __future__ import annotations

from dataclasses import dataclass, field

from lora_launch.simulator.allocator import CachingAllocator, OutOfMemory
from lora_launch.simulator.history import CATEGORIES, History

SAMPLES = 600
"""Points of a time line: more than a picture has columns to show."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Memory at the highest point of one stretch of the time line, in bytes."""

    event: int
    phase: str
    by_category: tuple[int, ...]
    """In the order of ``CATEGORIES``."""
    reserved: int

    @property
    def allocated(self) -> int:
        """All categories together."""
        return sum(self.by_category)


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory of a phase, in bytes."""

    allocated: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Replay:
    """What the allocator saw."""

    phases: dict[str, Peak]
    samples: tuple[Sample, ...]
    peak: Sample
    reserved: int
    """The most that was reserved, which may be before or after the peak of what was allocated."""
    out_of_memory: str | None
    """The phase in which the driver had no memory left, if it came to that."""


@dataclass(slots=True)
class _Watch:
    """Follows the highest point of the current stretch, of the current phase and of all."""

    stretch: int
    samples: list[Sample] = field(default_factory=list)
    phases: dict[str, Peak] = field(default_factory=dict)
    peak: Sample | None = None
    reserved: int = 0
    _best: Sample | None = None
    _ends: int = 0

    def see(
        self, event: int, phase: str, categories: list[int], allocated: int, reserved: int
    ) -> None:
        known = self.phases.get(phase)
        if known is None or allocated > known.allocated or reserved > known.reserved:
            self.phases[phase] = Peak(
                max(allocated, known.allocated if known else 0),
                max(reserved, known.reserved if known else 0),
            )
        self.reserved = max(self.reserved, reserved)
        if event >= self._ends:
            self.close()
            self._ends = event + self.stretch
        if self._best is None or allocated > self._best.allocated or phase != self._best.phase:
            if self._best is not None and phase != self._best.phase:
                self.close()
            self._best = Sample(event, phase, tuple(categories), reserved)
            if self.peak is None or allocated > self.peak.allocated:
                self.peak = self._best

    def close(self) -> None:
        if self._best is not None:
            self.samples.append(self._best)
            self._best = None


def replay(history: History, capacity: int | None = None) -> Replay:
    """Play a history to an allocator that may reserve ``capacity`` bytes.

    Args:
        history: what the step asked.
        capacity: bytes that the driver has for the allocator; None without end.

    Returns:
        Peaks and samples, up to the end or to the request that found no memory.
    """
    allocator = CachingAllocator(capacity)
    places: dict[int, int] = {}
    index = {category: position for position, category in enumerate(CATEGORIES)}
    categories = [0] * len(CATEGORIES)
    watch = _Watch(max(1, len(history.events) // SAMPLES))
    marks = [*history.phases, (len(history.events), "")]
    phase, next_mark, out_of_memory = "", 0, None
    for moment, event in enumerate(history.events):
        while marks[next_mark][0] <= moment:
            phase = marks[next_mark][1]
            next_mark += 1
        if event is None:
            allocator.empty_cache()
        elif event < 0:
            address = places.pop(~event)
            categories[index[history.blocks[~event].category]] -= allocator.size_of(address)
            allocator.free(address)
        else:
            block = history.blocks[event]
            try:
                address = places[event] = allocator.allocate(block.size)
            except OutOfMemory:
                out_of_memory = phase
                break
            categories[index[block.category]] += allocator.size_of(address)
        watch.see(moment, phase, categories, allocator.allocated, allocator.reserved)
    watch.close()
    nothing = Sample(0, "", tuple(categories), 0)
    return Replay(
        watch.phases, tuple(watch.samples), watch.peak or nothing, watch.reserved, out_of_memory
    )
