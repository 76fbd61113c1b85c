"""From a run to its memory: build, step, replay."""

from __future__ import annotations

import gc
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from lora_launch.simulator.likeness import like_cuda
from lora_launch.simulator.loss import loss_path
from lora_launch.simulator.model import build
from lora_launch.simulator.replay import replay
from lora_launch.simulator.result import Simulation
from lora_launch.simulator.run import BadRun, SimulatedRun
from lora_launch.simulator.sharding import make_sharding
from lora_launch.simulator.step import Training
from lora_launch.simulator.tape import Tape

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "trl", "accelerate")


def simulate(run: SimulatedRun) -> Simulation:
    """Take a run's first steps on fake tensors and replay what they allocate.

    Args:
        run: everything that decides.

    Returns:
        Peaks, the time line by category and, for a known GPU, whether it fits.

    Raises:
        BadRun: a setting that cannot be simulated, said in a sentence.
    """
    try:
        return _simulate(run)
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise BadRun(
            f"the code of {run.model_config['model_type']} looks at values ({error.func}), and here"
            " tensors have none"
        ) from error
    except RuntimeError as error:
        # Torch or the model's own code refuses a size or a dtype; so it would on a GPU.
        kind, why = run.model_config["model_type"], str(error).splitlines()[0]
        raise BadRun(f"the code of {kind} fails on this run: {why}") from error


def _simulate(run: SimulatedRun) -> Simulation:
    start = time.perf_counter()
    with _quiet(), like_cuda(run):
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        tape = Tape(mode)
        with mode, tape:
            tape.history.begin("load")
            built = build(run, tape)
            sharding = make_sharding(run, built, tape)
            with loss_path(run, built.model, built.base) as loss:
                training = Training(run, built, tape, loss, sharding)
                training.run()
            history = tape.end()
            trainable = sum(one.numel() for one in built.trainable)
            parameters = built.parameters
        del built, training, sharding, loss
    free = replay(history)
    fits = out_of_memory = None
    if run.gpu_total_bytes is not None:
        out_of_memory = replay(history, run.gpu_total_bytes - run.gpu_context_bytes).out_of_memory
        fits = out_of_memory is None
    loaded = [sample for sample in free.samples if sample.phase == "load"]
    return Simulation(
        run=run,
        allocated=free.peak.allocated,
        reserved=free.reserved,
        loaded=loaded[-1].allocated if loaded else 0,
        peak=free.peak,
        phases=free.phases,
        timeline=free.samples,
        trainable_parameters=trainable,
        total_parameters=parameters,
        fits=fits,
        out_of_memory=out_of_memory,
        versions=_versions(),
        seconds=time.perf_counter() - start,
        events=len(history.events),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the notices of libraries about a training that does not happen; no cycles kept."""
    gc.collect()
    collecting = gc.isenabled()
    level = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(level)
            if collecting:
                gc.enable()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
