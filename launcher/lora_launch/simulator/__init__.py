"""The simulator: how much GPU memory a fine-tune takes, found by running it without a GPU.

The real transformers, PEFT and bitsandbytes run a training step of full size on tensors that have
no data; every storage that comes and goes is replayed through the policy of CUDA's caching
allocator. ``simulate`` needs torch; the records do not.
"""

from __future__ import annotations

from lora_launch.simulator.result import Simulation
from lora_launch.simulator.run import BadRun, SimulatedRun

__all__ = ["BadRun", "SimulatedRun", "Simulation", "simulate"]


def simulate(run: SimulatedRun) -> Simulation:
    """Simulate ``run``; see ``lora_launch.simulator.engine``."""
    from lora_launch.simulator.engine import simulate as run_it

    return run_it(run)
