"""What a simulation found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lora_launch.simulator.history import CATEGORIES
from lora_launch.simulator.replay import Peak, Sample
from lora_launch.simulator.run import SimulatedRun

LARGEST_SHARE_SEEN = 0.853
"""Of the 12 runs published on both sides of a T4's limit (fitcheck, 2026-09-21), none that
completed allocated a larger share of the GPU less its context; the one that failed although its
replay passes allocated 0.904."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """Memory of one rank over the first optimizer steps, in bytes."""

    run: SimulatedRun
    allocated: int
    """The peak of ``torch.cuda.memory_allocated``."""
    reserved: int
    """The peak of ``torch.cuda.memory_reserved``."""
    loaded: int
    """Allocated before the first step."""
    peak: Sample
    """Where the peak is, by category."""
    phases: Mapping[str, Peak]
    timeline: tuple[Sample, ...]
    trainable_parameters: int
    total_parameters: int
    """Of the base model, tied weights once, quantized ones as they count unpacked."""
    fits: bool | None
    """Whether a GPU of ``gpu_total_bytes`` runs it; None where no GPU was given."""
    out_of_memory: str | None
    """The phase in which the GPU had no memory left."""
    versions: Mapping[str, str]
    seconds: float
    events: int

    @property
    def verdict(self) -> str | None:
        """``fits``, ``close`` or ``out of memory``; None where no GPU was given."""
        total = self.run.gpu_total_bytes
        if self.fits is None or total is None:
            return None
        if not self.fits:
            return "out of memory"
        share = self.allocated / (total - self.run.gpu_context_bytes)
        return "close" if share > LARGEST_SHARE_SEEN else "fits"

    def to_dict(self) -> dict[str, Any]:
        """The simulation as JSON's objects."""
        return {
            "allocated_bytes": self.allocated,
            "reserved_bytes": self.reserved,
            "loaded_bytes": self.loaded,
            "peak": {"phase": self.peak.phase, "by_category": _named(self.peak)},
            "phases": {
                name: {"allocated_bytes": peak.allocated, "reserved_bytes": peak.reserved}
                for name, peak in self.phases.items()
            },
            "fits": self.fits,
            "verdict": self.verdict,
            "out_of_memory_in": self.out_of_memory,
            "trainable_parameters": self.trainable_parameters,
            "total_parameters": self.total_parameters,
            "versions": dict(self.versions),
            "seconds": round(self.seconds, 2),
            "events": self.events,
            "run": self.run.to_dict(),
            "timeline": [
                {
                    "event": sample.event,
                    "phase": sample.phase,
                    "reserved_bytes": sample.reserved,
                    **_named(sample),
                }
                for sample in self.timeline
            ],
        }


def _named(sample: Sample) -> dict[str, int]:
    return {
        category.value: size for category, size in zip(CATEGORIES, sample.by_category, strict=True)
    }
