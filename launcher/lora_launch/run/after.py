"""``lora-launch merge``, ``eval`` and ``generate``: what one does with a trained adapter."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from typing import Any

from lora_launch.errors import DONE, LaunchError
from lora_launch.opaque import Opaque
from lora_launch.run.adapters import Adapter, find, load, quiet, tokenizer

SIXTEEN = ("bfloat16", "float16", "float32")


def merge(arguments: list[str]) -> int:
    """Add an adapter to its base's weights and write the sum; the answer is the exit code.

    Raises:
        LaunchError: if the base is quantized, or the folder is taken.
    """
    parser = argparse.ArgumentParser(
        prog="lora-launch merge", description="Merge an adapter into its 16-bit base."
    )
    parser.add_argument("adapter", metavar="RUN", help="a run's folder, or an adapter's")
    parser.add_argument("--output", required=True, metavar="FOLDER")
    parser.add_argument("--base", metavar="MODEL", help="another base than the adapter names")
    parser.add_argument("--dtype", choices=SIXTEEN, default="bfloat16")
    options = parser.parse_args(arguments)
    adapter = find(options.adapter, options.base)
    if os.path.isdir(options.output) and os.listdir(options.output):
        raise LaunchError(f"{options.output} is not empty; choose another --output.")
    model = load(adapter, options.dtype).merge_and_unload(safe_merge=True)
    model.save_pretrained(options.output)
    tokenizer(adapter).save_pretrained(options.output)
    said = f"{adapter.base} with {adapter.path} is in {options.output}, {options.dtype}."
    sys.stdout.write(f"{said}\n")
    return DONE


def generate(arguments: list[str]) -> int:
    """Ask an adapter something; the answer is the exit code."""
    parser = argparse.ArgumentParser(
        prog="lora-launch generate", description="Ask an adapter something, greedily."
    )
    _adapter_arguments(parser)
    parser.add_argument("prompt")
    parser.add_argument("--max-new-tokens", type=int, default=256, metavar="N")
    parser.add_argument("--without", action="store_true", help="the base alone, for comparison")
    parser.add_argument("--raw", action="store_true", help="no chat template")
    options = parser.parse_args(arguments)
    adapter = find(options.adapter, options.base)
    quiet()
    words = tokenizer(adapter)
    text = options.prompt
    if words.chat_template and not options.raw:
        chat = [{"role": "user", "content": text}]
        text = words.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    model = load(adapter, options.dtype)
    answer = _answer(model, words, text, options.max_new_tokens, without=options.without)
    sys.stdout.write(f"{answer}\n")
    return DONE


def _answer(model: Opaque, words: Opaque, text: str, tokens: int, *, without: bool) -> str:
    import contextlib

    import torch

    inputs = words(text, return_tensors="pt", add_special_tokens=False).to(model.device)
    inputs.pop("token_type_ids", None)
    model.eval()
    with torch.no_grad(), model.disable_adapter() if without else contextlib.nullcontext():
        out = model.generate(
            **inputs, max_new_tokens=tokens, do_sample=False, pad_token_id=words.pad_token_id
        )
    return str(words.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def _adapter_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--adapter", required=True, metavar="RUN", help="a run's or an adapter's")
    parser.add_argument("--base", metavar="MODEL", help="another base than the adapter names")
    parser.add_argument("--dtype", choices=SIXTEEN, default="bfloat16")


def evaluate(arguments: list[str]) -> int:
    """Loss and accuracy of an adapter and of its base on a data file; the answer is the exit code.

    The examples are prepared as in the adapter's own run, if it was made by one.
    """
    parser = argparse.ArgumentParser(
        prog="lora-launch eval", description="Evaluate an adapter on examples."
    )
    _adapter_arguments(parser)
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    adapter = find(options.adapter, options.base)
    quiet()
    found = _evaluated(adapter, options)
    if options.format == "json":
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return DONE
    sys.stdout.write(f"{found['rows']} examples of {options.data}\n")
    for name in ("base", "adapter"):
        numbers = found[name]
        sys.stdout.write(
            f"  {name:8} loss {numbers['loss']:.4f}  perplexity {numbers['perplexity']:.2f}"
            f"  tokens right {numbers['accuracy']:.1%}\n"
        )
    return DONE


KEPT = (
    "max_length",
    "assistant_only_loss",
    "completion_only_loss",
    "dataset_text_field",
    "chat_template_path",
    "eos_token",
    "pad_token",
    "bf16",
    "fp16",
    "use_cpu",
)
"""Keys of the run's training that decide what is compared."""


def _evaluated(adapter: Adapter, options: argparse.Namespace) -> dict[str, Any]:
    import torch
    from trl import SFTConfig, SFTTrainer

    from lora_launch.gate import examples
    from lora_launch.worker import loading

    kept = {key: value for key, value in adapter.training.items() if key in KEPT}
    kept.setdefault("use_cpu", not torch.cuda.is_available())
    field = kept.get("dataset_text_field") or "text"
    names = examples.resolve([options.data], os.getcwd())
    columns = adapter.sections.get("data", {}).get("columns", {})
    examples.look_at(names, columns, field)
    rows = loading.dataset({"eval": names, "columns": columns}, "eval", field)
    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(
            output_dir=folder,
            per_device_eval_batch_size=options.batch_size,
            report_to="none",
            disable_tqdm=True,
            **kept,
        )
        model = load(adapter, options.dtype)
        trainer = SFTTrainer(
            model=model,
            args=settings,
            train_dataset=rows,
            eval_dataset=rows,
            processing_class=tokenizer(adapter),
        )
        from transformers.trainer_callback import PrinterCallback

        trainer.remove_callback(PrinterCallback)
        with trainer.model.disable_adapter():
            base = _numbers(trainer.evaluate())
        return {"rows": len(rows), "base": base, "adapter": _numbers(trainer.evaluate())}


def _numbers(found: dict[str, float]) -> dict[str, float]:
    loss = found["eval_loss"]
    return {
        "loss": loss,
        "perplexity": math.exp(min(loss, 700.0)),
        "accuracy": found.get("eval_mean_token_accuracy", math.nan),
    }
