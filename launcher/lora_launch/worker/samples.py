"""A few examples answered before and after, for the report. Greedy, so that nothing is random."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lora_launch.opaque import Opaque
from lora_launch.run.folder import Folder, read_json, write_json

TOKENS = 64
"""Longest answer."""


def before(trainer: Opaque, job: dict[str, Any], folder: Folder) -> list[dict[str, Any]]:
    """Choose the examples and let the base model answer them."""
    found = _prompts(job, trainer)
    if found:
        for each, answer in zip(found, _answers(trainer, found), strict=True):
            each["before"] = answer
        _write(trainer, folder, found)
    return found


def recall(folder: Folder) -> list[dict[str, Any]]:
    """The examples of the run that is being resumed."""
    return list((read_json(folder.samples) or {}).get("samples", []))


def after(
    trainer: Opaque, job: dict[str, Any], folder: Folder, found: list[dict[str, Any]]
) -> None:
    """Let the trained model answer the same examples."""
    if not found:
        return
    for each, answer in zip(found, _answers(trainer, found), strict=True):
        each["after"] = answer
    _write(trainer, folder, found)


def _write(trainer: Opaque, folder: Folder, found: list[dict[str, Any]]) -> None:
    if trainer.is_world_process_zero():
        write_json(folder.samples, {"samples": found})


def _prompts(job: dict[str, Any], trainer: Opaque) -> list[dict[str, Any]]:
    """Questions of the evaluation data, else of the training data; none where it is sharded."""
    count = job["samples"]
    if not count or trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
        return []
    from lora_launch.worker import loading

    config = job["config"]
    field = config["training"].get("dataset_text_field") or "text"
    rows = loading.dataset(config["data"], "eval", field)
    rows = rows if rows is not None else loading.dataset(config["data"], "train", field)
    render = trainer.processing_class.apply_chat_template
    return [_prompt(rows[number], field, render) for number in range(min(count, len(rows)))]


def _prompt(row: dict[str, Any], field: str, render: Opaque) -> dict[str, Any]:
    """What the model is asked, and what the data has for an answer."""
    chat = row.get("messages")
    if chat is not None:
        return _asked(chat[:-1], chat[-1].get("content"), render)
    if isinstance(row.get("prompt"), list):
        return _asked(row["prompt"], row["completion"][-1].get("content"), render)
    if isinstance(row.get("prompt"), str):
        return {"prompt": row["prompt"], "shown": row["prompt"], "expected": row["completion"]}
    text = str(row.get(field, ""))
    half = text[: len(text) // 2]
    return {"prompt": half, "shown": half, "expected": text[len(half) :]}


def _asked(chat: list[dict[str, Any]], expected: Opaque, render: Opaque) -> dict[str, Any]:
    text = render(chat, tokenize=False, add_generation_prompt=True)
    shown = chat[-1].get("content") if chat else ""
    return {"prompt": text, "shown": shown, "expected": expected}


def _answers(trainer: Opaque, found: list[dict[str, Any]]) -> list[str]:
    """What the model says, on every process: the weights are everywhere."""
    import torch

    model = trainer.accelerator.unwrap_model(trainer.model)
    tokenizer = trainer.processing_class
    answers = []
    with _aside(model), torch.no_grad():
        for each in found:
            inputs = tokenizer(each["prompt"], return_tensors="pt", add_special_tokens=False)
            ids = inputs["input_ids"].to(model.device)
            with torch.autocast(model.device.type, torch.bfloat16, enabled=trainer.args.bf16):
                out = model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=TOKENS,
                    do_sample=False,
                    use_cache=True,
                    pad_token_id=tokenizer.pad_token_id,
                    eos_token_id=tokenizer.eos_token_id,
                )
            answers.append(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))
    return answers


@contextmanager
def _aside(model: Opaque) -> Iterator[None]:
    """Leave no trace: training mode and random states are as they were."""
    import torch

    training, state = model.training, torch.random.get_rng_state()
    cached = model.config.use_cache
    model.eval()
    try:
        yield
    finally:
        model.train(training)
        model.config.use_cache = cached
        torch.random.set_rng_state(state)
