"""What LLaMA-Factory refuses where it merges, serves or evaluates an adapter."""

from __future__ import annotations

from lora_rules.engine.refusals import (
    Refusal,
    Refusals,
    Written,
    differs,
    equals,
    given,
    missing,
    present,
    where,
)

ADAPTER = given("adapter_name_or_path")


def _has_several_adapters(keys: Written) -> bool:
    value = keys.value("adapter_name_or_path")
    count = len(value.split(",")) if isinstance(value, str) else 0
    return max(count, len(value) if isinstance(value, list) else 0) > 1


SEVERAL = where(_has_several_adapters, "adapter_name_or_path")
VLLM = equals("infer_backend", "vllm")

ROWS = (
    Refusal(
        "adapter-needs-finetuning-type-lora",
        "finetuning_type",
        (ADAPTER, differs("finetuning_type", "lora")),
        "adapter_name_or_path with a finetuning_type that is not lora",
        "Remove finetuning_type, or name the trained model in model_name_or_path.",
    ),
    Refusal(
        "merge-with-quantization-bit",
        "quantization_bit",
        (ADAPTER, given("export_dir", "quantization_bit")),
        "an adapter is merged (export_dir) into a base in quantization_bit",
        "Remove quantization_bit: merge into the 16-bit model.",
        why="The sum would have to be rounded to a few bits again.",
    ),
    Refusal(
        "merge-with-export-quantization-bit",
        "export_quantization_bit",
        (ADAPTER, present("export_quantization_bit")),
        "adapter_name_or_path with export_quantization_bit",
        "Merge first, and quantize the merged model in a second export.",
    ),
    Refusal(
        "export-quantization-bit-needs-calibration-data",
        "export_quantization_bit",
        (present("export_quantization_bit"), missing("export_quantization_dataset")),
        "export_quantization_bit without export_quantization_dataset",
        "Add export_quantization_dataset.",
    ),
    Refusal(
        "several-adapters-with-quantization-bit",
        "adapter_name_or_path",
        (given("quantization_bit"), SEVERAL),
        "several adapters in adapter_name_or_path with quantization_bit",
        "Merge them first.",
        why="All but the last would be merged into quantized weights.",
    ),
    Refusal(
        "vllm-with-quantization-bit",
        "quantization_bit",
        (VLLM, given("quantization_bit")),
        "infer_backend: vllm with quantization_bit",
        "Take a checkpoint that is quantized (GPTQ, AWQ), or infer_backend: huggingface.",
    ),
    Refusal(
        "vllm-with-several-adapters",
        "adapter_name_or_path",
        (VLLM, SEVERAL),
        "infer_backend: vllm with several adapters in adapter_name_or_path",
        "Merge them first.",
    ),
    Refusal(
        "vllm-with-rope-scaling",
        "rope_scaling",
        (VLLM, given("rope_scaling")),
        "infer_backend: vllm with rope_scaling",
        "Remove rope_scaling.",
    ),
    Refusal(
        "vllm-outside-sft",
        "stage",
        (VLLM, differs("stage", "sft")),
        "infer_backend: vllm with a stage that is not sft",
        "Remove stage.",
    ),
    Refusal(
        "evaluation-is-gone",
        "task",
        (present("task"),),
        "llamafactory-cli eval evaluates nothing any more",
        "Evaluate with lm-evaluation-harness, or take an older version.",
        raises="NotImplementedError",
        first="0.9.4",
        since="LLaMA-Factory 0.9.4",
    ),
)

REFUSALS = (
    Refusals(
        "llamafactory-infer",
        "LLaMA-Factory",
        ROWS,
        "https://github.com/hiyouga/LLaMA-Factory, src/llamafactory/hparams/parser.py, "
        "train/tuner.py",
        "LLaMA-Factory raises it when it reads its arguments, or when the model is loaded.",
    ),
)
