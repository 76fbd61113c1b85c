"""The worker: one process a device, started by ``accelerate launch``.

    python -m lora_launch.worker.train RUN_FOLDER

It is told everything by ``job.json``, and says what came of it in ``outcome-<rank>.json``: the
launcher learns from that, because torchrun keeps exit codes to itself.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from typing import Any

from lora_launch.cluster.place import MACHINE
from lora_launch.errors import LaunchError
from lora_launch.opaque import Opaque
from lora_launch.run.folder import Folder, read_json, write_json


def main(arguments: list[str]) -> int:
    """Train, and say what came of it."""
    folder = Folder(arguments[0], int(os.environ.get(MACHINE, "0")))
    rank = int(os.environ.get("RANK", "0"))
    with folder.working():
        outcome = _outcome(folder, rank)
        write_json(folder.outcome(rank), outcome)
    return 0 if outcome["status"] in ("done", "interrupted") else 1


def _outcome(folder: Folder, rank: int) -> dict[str, Any]:
    job = read_json(folder.job)
    if job is None:
        return {"status": "failed", "message": f"{folder.job} is missing."}
    from lora_launch.cluster import peers
    from lora_launch.run import explain
    from lora_launch.worker.callbacks import Interrupted

    try:
        return run(job, folder)
    except LaunchError as error:
        return {"status": "failed", "message": str(error)}
    except Interrupted:
        return {"status": "interrupted", "step": 0}
    except Exception as error:
        traceback.print_exc()
        if explain.is_out_of_memory(error):
            return {"status": "oom", "message": explain.first_line(error), "rank": rank}
        lost = "lost" if peers.is_lost(error) else "failed"
        return {"status": lost, "message": explain.sentence(error, job)}


def run(job: dict[str, Any], folder: Folder) -> dict[str, Any]:
    """The whole of a worker's work."""
    started = time.monotonic()
    from lora_launch.cluster import peers
    from lora_launch.run.progress import Progress
    from lora_launch.worker import samples
    from lora_launch.worker.callbacks import Stop, Told
    from lora_launch.worker.sharded import Shards

    stop = Stop(int(os.environ.get("WORLD_SIZE", "1")))
    _see_gpu(job)
    timeout = job["config"]["training"].get("ddp_timeout")
    if timeout is not None and job["devices"] == "cpu" and stop.world_size > 1:
        peers.meet_on_the_cpu(timeout)
    trainer = make_trainer(job, folder)
    trainer.add_callback(stop)
    shards = Shards()
    if trainer.is_fsdp_enabled:
        trainer.add_callback(shards)
    told = Told(folder, Progress(sys.stdout))
    trainer.add_callback(told)
    ready = time.monotonic()
    resume = job.get("resume")
    asked = samples.before(trainer, job, folder) if not resume else samples.recall(folder)
    trainer.train(resume_from_checkpoint=resume)
    step = trainer.state.global_step
    if stop.stopped:
        return {"status": "interrupted", "step": step}
    final = trainer.evaluate(metric_key_prefix="final") if trainer.eval_dataset else {}
    trainer.save_model(folder.adapter)
    samples.after(trainer, job, folder, asked)
    return {
        "status": "done",
        "step": step,
        "best": trainer.state.best_model_checkpoint,
        "best_metric": trainer.state.best_metric,
        "final": final,
        "memory": told.memory.peak,
        "held": shards.held,
        "seconds": {
            "loading": round(ready - started, 2),
            "all": round(time.monotonic() - started, 2),
        },
    }


def _see_gpu(job: dict[str, Any]) -> None:
    """See that torch finds the GPU that nvidia-smi lists.

    Raises:
        LaunchError: if it does not: the run would go on, on the CPU.
    """
    import torch

    if job["devices"] == "cuda" and not torch.cuda.is_available():
        raise LaunchError(
            f"nvidia-smi lists a GPU, and torch {torch.__version__} cannot use it: the driver is"
            " too old for it, or it was built without CUDA. Update the driver, or install the torch"
            " for this one (pytorch.org/get-started)."
        )


def make_trainer(job: dict[str, Any], folder: Folder) -> Opaque:
    """TRL's trainer from the sections of the configuration."""
    from trl import SFTConfig

    from lora_launch.worker import loading
    from lora_launch.worker.trainer import Trainer

    config = job["config"]
    model, training = config["model"], dict(config["training"])
    text_field = training.get("dataset_text_field") or "text"
    tokenizer = loading.tokenizer(model, training)
    train = loading.dataset(config["data"], "train", text_field)
    evaluation = loading.dataset(config["data"], "eval", text_field)
    name = model["pretrained_model_name_or_path"]
    loading.check_chat(tokenizer, train, training, name)
    training["model_init_kwargs"] = loading.model_arguments(model, training)
    args = SFTConfig(**{**training, **job["arguments"], "output_dir": folder.checkpoints})
    trainer = Trainer(
        model=name,
        args=args,
        train_dataset=train,
        eval_dataset=evaluation,
        processing_class=tokenizer,
        quantization_config=loading.quantization(config["quantization"]),
        peft_config=loading.lora(config["lora"]),
    )
    trainer.model.config.use_cache = False  # with a cache, packed documents see each other
    _callbacks(trainer, config["run"])
    return trainer


def _callbacks(trainer: Opaque, run_section: dict[str, Any]) -> None:
    """Our own lines in place of bars and printed dicts; early stopping if it is asked for."""
    from transformers import EarlyStoppingCallback
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    patience = run_section.get("early_stopping_patience")
    if patience:
        threshold = run_section.get("early_stopping_threshold", 0.0)
        trainer.add_callback(EarlyStoppingCallback(patience, threshold))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
