"""``lora-launch init``: a commented configuration for a task, sized to the GPU, linted clean."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass, replace

from lora_launch.config.document import NATIVE, Document
from lora_launch.config.recipes import RECIPES, Recipe, targets
from lora_launch.errors import DONE, LaunchError
from lora_launch.gate import ask, gate
from lora_launch.plan.devices import Devices
from lora_launch.plan.microbatch import fitting
from lora_rules.facts.memory.gpu import Gpu, UnknownGpu, find_gpu
from lora_rules.recipe import Recipe as Written

GLOBAL_BATCH = 16
LEAST_RANK = 8
_PLAIN = re.compile(r"(\.{0,2}/)?[A-Za-z][\w./ -]*$")
"""Names that YAML takes as texts without quotes."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A recipe with the choices that its model, data and GPU make."""

    recipe: Recipe
    model: str
    data: str
    evaluation: str | None
    gpu: Gpu | None
    modules: str | list[str]
    micro: int = 1
    quantized: bool = False
    why: str = ""


def run(arguments: list[str]) -> int:
    """Write the configuration; the answer is the exit code."""
    options = _parser().parse_args(arguments)
    found = sized(options)
    text = write(found)
    if options.output == "-":
        sys.stdout.write(text)
        return DONE
    path = options.output or f"{options.recipe}.yaml"
    if os.path.exists(path) and not options.force:
        raise LaunchError(f"{path} is there already; --force writes over it.")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    sys.stdout.write(f"{path} is written. {found.why}\n")
    sys.stdout.write(f"Next: lora-launch --config {path} --dry-run\n")
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lora-launch init", description=__doc__)
    parser.add_argument("--recipe", required=True, choices=tuple(RECIPES))
    parser.add_argument("--model", required=True, help="a hub id or a local folder")
    parser.add_argument("--data", required=True, help="a data file, or a data set of the hub")
    parser.add_argument("--eval", metavar="DATA", help="examples to evaluate on")
    parser.add_argument("--gpu", metavar="NAME", help='"RTX 4090", "A100 80GB", "24 GB"')
    parser.add_argument("--output", metavar="FILE", help="default: <recipe>.yaml; - for stdout")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    return parser


def sized(options: argparse.Namespace) -> Sized:
    """The recipe for a model, data and a GPU.

    Raises:
        LaunchError: if the GPU is not known, or nothing makes the run fit it.
    """
    gpu = _gpu(options.gpu)
    recipe = RECIPES[options.recipe]
    near = [_beside(name, options) for name in (options.model, options.data, options.eval)]
    found = Sized(recipe, near[0] or "", near[1] or "", near[2], gpu, "all-linear")
    base, _ = ask.architecture(_recipe(found, options))
    linears = base.linears if base is not None else ()
    names = frozenset(each.path.rpartition(".")[2] for each in linears)
    found = replace(found, modules=targets(recipe, names))
    return _clean(_fitted(found, options), options)


def _beside(name: str | None, options: argparse.Namespace) -> str | None:
    """A local path as the configuration has to say it: relative to its own folder."""
    if name is None or os.path.isabs(name) or not os.path.exists(name) or options.output == "-":
        return name
    path = os.path.relpath(name, os.path.dirname(os.path.abspath(options.output or "x")))
    return path if path.startswith(".") else f"./{path}"


def _gpu(name: str | None) -> Gpu | None:
    try:
        return find_gpu(name) if name is not None else None
    except UnknownGpu as error:
        raise LaunchError(f"--gpu: {error}.") from None


def _document(found: Sized, options: argparse.Namespace) -> Document:
    folder = os.path.dirname(options.output or "") if options.output != "-" else ""
    return Document(os.path.join(folder, f"{found.recipe.name}.yaml"), "yaml", write(found))


def _recipe(found: Sized, options: argparse.Namespace) -> Written:
    return gate.recipe_of(_document(found, options), _devices(found).declared)


def _devices(found: Sized) -> Devices:
    return Devices("cuda", 1, found.gpu.name if found.gpu is not None else "", here=False)


def _fitted(found: Sized, options: argparse.Namespace) -> Sized:
    """The largest micro batch that fits: in 16 bit if possible, else over a 4-bit base.

    Raises:
        LaunchError: if not even that fits.
    """
    if found.gpu is None:
        return replace(found, micro=1, why="No GPU was named, so the micro batch is 1.")
    why = ""
    for quantized in (False, True):
        tried = replace(found, micro=GLOBAL_BATCH, quantized=quantized)
        micro, why = fitting(_recipe(tried, options), _devices(tried), GLOBAL_BATCH)
        if micro:
            words = "a 4-bit base" if quantized else "a 16-bit base"
            said = f"On {found.gpu.name} it takes {words} and a micro batch of {micro}."
            return replace(tried, micro=micro, why=said)
        if why:
            return replace(found, micro=1, why=f"Its memory is not known: {why}.")
    raise LaunchError(
        f"{found.model} with the recipe {found.recipe.name} does not fit {found.gpu.name}, not even"
        " over a 4-bit base with a micro batch of 1: take a larger GPU or a smaller model."
    )


def _clean(found: Sized, options: argparse.Namespace) -> Sized:
    """The rank halved until no rule finds it too high for the data."""
    while found.recipe.r > LEAST_RANK:
        verdict = gate.judge(_document(found, options), _devices(found).declared)
        if not any(each.name == "high-rank-tiny-dataset" for each in verdict.report.findings):
            break
        smaller = replace(found.recipe, r=found.recipe.r // 2)
        said = f"{found.why} The data has few rows, so r is {smaller.r}."
        found = replace(found, recipe=smaller, why=said)
    return found


def write(found: Sized) -> str:
    """The configuration's text."""
    recipe, gpu = found.recipe, found.gpu
    half = gpu is not None and gpu.bf16 is False
    dtype = "float16" if half else "bfloat16"
    parts = [
        f"# {recipe.name}: {recipe.purpose}. Written by `lora-launch init`.",
        f"# Rows of the data: {recipe.data}",
        f"# lora-lint: framework={NATIVE}",
        "model:",
        f"  pretrained_model_name_or_path: {_text(found.model)}",
        f"  dtype: {dtype}",
        "",
        *_quantization(found, dtype),
        "lora:",
        f"  r: {recipe.r}",
        f"  lora_alpha: {recipe.alpha}  # the update is scaled by lora_alpha / r = 2",
        f"  lora_dropout: {recipe.dropout}",
        f"  target_modules: {_text(found.modules)}",
        "  task_type: CAUSAL_LM",
        "",
        "data:",
        f"  train: {_text(found.data)}",
        *([f"  eval: {_text(found.evaluation)}"] if found.evaluation else []),
        "",
        *_training(found, half),
        *(["", "hardware:", f"  gpu: {_text(gpu.name)}"] if gpu is not None else []),
        "",
        "run:",
        f"  name: {recipe.name}",
        "  seed: 42",
        "",
    ]
    return "\n".join(parts)


def _quantization(found: Sized, dtype: str) -> list[str]:
    if not found.quantized:
        return []
    return [
        "quantization:  # the base in 4 bit: in 16 bit it does not fit",
        "  load_in_4bit: true",
        "  bnb_4bit_quant_type: nf4",
        "  bnb_4bit_use_double_quant: true",
        f"  bnb_4bit_compute_dtype: {dtype}",
        "",
    ]


def _training(found: Sized, half: bool) -> list[str]:
    recipe = found.recipe
    lines = [
        "training:",
        f"  max_length: {recipe.max_length}  # tokens; longer examples are cut",
        f"  per_device_train_batch_size: {found.micro}",
        f"  gradient_accumulation_steps: {GLOBAL_BATCH // found.micro}"
        f"  # {GLOBAL_BATCH} sequences a step",
        f"  num_train_epochs: {recipe.epochs}",
        "  learning_rate: 2.0e-4",
        "  lr_scheduler_type: cosine",
        "  warmup_steps: 0.03  # a share of all steps",
        "  gradient_checkpointing: true",
        f"  {'fp16' if half else 'bf16'}: true",
        *(["  bf16: false"] if half else []),
        "  logging_steps: 10",
        "  save_strategy: epoch",
        "  save_total_limit: 2",
    ]
    if found.evaluation:
        lines += [
            "  eval_strategy: epoch",
            "  load_best_model_at_end: true",
            "  metric_for_best_model: loss",
        ]
    return lines


def _text(value: str | list[str]) -> str:
    """YAML for a name or a list of names."""
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return value if _PLAIN.match(value) else json.dumps(value, ensure_ascii=False)
