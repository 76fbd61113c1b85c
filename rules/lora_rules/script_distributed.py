"""Scripts that run in several processes."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.calls import (
    UNKNOWN,
    argument,
    base_load,
    before,
    certainly,
    maker,
    peft_wraps,
    quantized,
)
from lora_rules.evidence import ACCELERATE_SOURCE, QLORA_GUIDE, SCRIPT_RUNS, ZERO_ISSUES
from lora_rules.recipe import Call, Recipe, Span
from lora_rules.rule import Problem, Severity, rule

Calls = tuple[Call, ...]


@rule("LLB09", Severity.ERROR, evidence=[SCRIPT_RUNS, QLORA_GUIDE])
def fsdp_needs_quant_storage(script: Recipe) -> Iterator[Problem]:
    """QLoRA under FSDP without a storage type that FSDP can shard.

    ## What it checks
    Training arguments with `fsdp=` and a model in 4 bits whose `bnb_4bit_quant_storage` is left at
    uint8.

    ## Why it matters
    FSDP flattens the parameters of a layer into one tensor and needs one type for all of them. The
    packed 4-bit weights are stored as uint8 unless told otherwise: wrapping raises "Must flatten
    tensors with uniform dtype" (axolotl#1494, trl#1723, peft#1432).

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    four_bits = BitsAndBytesConfig(  # LLB09
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits, dtype=torch.bfloat16
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, fsdp="full_shard auto_wrap")
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_quant_storage=torch.bfloat16,
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits, dtype=torch.bfloat16
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, fsdp="full_shard auto_wrap")
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = script.calls
    for trainer in calls:
        load = base_load(calls, trainer.things.get("model"))
        if not trainer.name.endswith("Trainer") or load is None:
            continue
        config = quantized(calls, load)
        args = maker(calls, trainer.things.get("args"))
        if (
            config is None
            or args is None
            or not certainly(config.arguments.get("load_in_4bit"), True)
        ):
            continue
        sharded = argument(args, "fsdp", None)
        storage = argument(config, "bnb_4bit_quant_storage", None)
        if sharded is UNKNOWN or not sharded or storage not in (None, "uint8"):
            continue
        yield Problem(
            config.span,
            "FSDP shards the parameters of a layer as one type, and the 4-bit weights are stored "
            "as uint8.",
            help="Set bnb_4bit_quant_storage to the dtype that the model is loaded in.",
            also=(args.span,),
        )


@rule("LLB10", Severity.ERROR, evidence=[ACCELERATE_SOURCE])
def device_map_auto_distributed(script: Recipe) -> Iterator[Problem]:
    """A model is spread over the GPUs with `device_map="auto"` and trained in several processes.

    ## What it checks
    A model loaded with `device_map="auto"` (or "balanced", "sequential") that goes to a trainer,
    in a script that certainly runs distributed: it calls `init_process_group`, or its training
    arguments have `fsdp`. With `deepspeed` it is a warning, because one process can use it too.

    ## Why it matters
    Every process would take all the GPUs for its own copy. accelerate raises ValueError, "You
    can't train a model that has been loaded with `device_map='auto'` in any distributed mode"
    (accelerate#1515, trl#1348, qlora#137).

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B",
        device_map="auto",  # LLB10: "auto"
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, fsdp="full_shard")
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, fsdp="full_shard")
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    When only one GPU is visible.

    ## Options
    None.
    """
    calls = script.calls
    for trainer in calls:
        load = base_load(calls, trainer.things.get("model"))
        if not trainer.name.endswith("Trainer") or load is None or not load.certain_after(trainer):
            continue
        if argument(load, "device_map", None) not in ("auto", "balanced", "sequential"):
            continue
        found = _several_processes(calls, trainer)
        if found is not None:
            place, what, severity = found
            yield Problem(
                load.arguments["device_map"].span,
                f"the model is spread over all GPUs, and {what} starts a process for each: "
                "accelerate raises ValueError.",
                severity=severity,
                help="Leave out device_map.",
                also=(place,),
            )


def _several_processes(calls: Calls, trainer: Call) -> tuple[Span, str, Severity] | None:
    """What certainly makes a run distributed."""
    for call in before(calls, trainer):
        if call.name.endswith(".init_process_group") and call.certain_after(trainer):
            return call.span, "init_process_group", Severity.ERROR
    args = maker(calls, trainer.things.get("args"))
    for name, severity in (("fsdp", Severity.ERROR), ("deepspeed", Severity.WARNING)):
        value = argument(args, name, None) if args is not None else None
        if args is not None and value and value is not UNKNOWN:
            return args.span, name, severity
    return None


@rule("LLB11", Severity.WARNING, evidence=[SCRIPT_RUNS])
def reentrant_checkpointing_ddp(script: Recipe) -> Iterator[Problem]:
    """Reentrant gradient checkpointing of a LoRA under DDP that looks for unused parameters.

    ## What it checks
    In a script that calls `init_process_group`, or whose training arguments set
    `ddp_find_unused_parameters=True`: gradient checkpointing with `use_reentrant=True` in
    the training arguments.

    ## Why it matters
    A reentrant checkpoint runs a backward pass inside the backward pass, and DDP then sees
    parameters twice: "Expected to mark a variable ready only once" (peft#313, trl#921, qlora#223).
    For a PeftModel the Trainer looks for unused parameters unless it is told not to.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig(
        "out",
        learning_rate=2e-4,
        max_length=2048,
        ddp_find_unused_parameters=True,
        gradient_checkpointing_kwargs={"use_reentrant": True},  # LLB11
    )
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig(
        "out",
        learning_rate=2e-4,
        max_length=2048,
        ddp_find_unused_parameters=False,
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    When the script is only ever run in one process, or under ZeRO-3, which needs it.

    ## Options
    None.
    """
    calls = script.calls
    for trainer in calls:
        args = maker(calls, trainer.things.get("args"))
        if not trainer.name.endswith("Trainer") or args is None:
            continue
        if argument(args, "deepspeed", None) is not None or argument(args, "fsdp", None):
            continue
        unused = argument(args, "ddp_find_unused_parameters", None)
        started = any(call.name.endswith(".init_process_group") for call in before(calls, trainer))
        kwargs = args.arguments.get("gradient_checkpointing_kwargs")
        if unused is not True and not (started and unused is None):
            continue
        if kwargs is None or not _is_reentrant(kwargs.candidates):
            continue
        if not certainly(args.arguments.get("gradient_checkpointing"), False):
            yield Problem(
                kwargs.span,
                "a reentrant checkpoint marks LoRA's parameters ready twice, and DDP that looks "
                "for unused parameters raises RuntimeError.",
                help='Set {"use_reentrant": False}, or ddp_find_unused_parameters=False.',
                also=(args.span,),
            )


def _is_reentrant(candidates: tuple[object, ...]) -> bool:
    return bool(candidates) and all(
        isinstance(value, dict) and value.get("use_reentrant") is True for value in candidates
    )


@rule("LLB12", Severity.WARNING, evidence=[ZERO_ISSUES])
def sharded_adapter_saved_by_hand(script: Recipe) -> Iterator[Problem]:
    """Under ZeRO-3 the adapter is saved with the model's own `save_pretrained`.

    ## What it checks
    Training arguments whose `deepspeed` is a dictionary with stage 3, and `save_pretrained` on the
    model (not on the trainer, not under `GatheredParameters`) after training.

    ## Why it matters
    ZeRO-3 leaves each process a slice of every parameter; what a process sees of the others is
    empty. `save_pretrained` writes what it sees, so the adapter on disk is empty or a fragment
    (peft#2892, DeepSpeed#4295, LongLoRA#160). `trainer.save_model` gathers first.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    zero = {"zero_optimization": {"stage": 3}, "train_micro_batch_size_per_gpu": "auto"}
    args = TrainingArguments("out", learning_rate=2e-4, deepspeed=zero)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    model.save_pretrained("adapter")  # LLB12: model.save_pretrained("adapter")
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    zero = {"zero_optimization": {"stage": 3}, "train_micro_batch_size_per_gpu": "auto"}
    args = TrainingArguments("out", learning_rate=2e-4, deepspeed=zero)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    trainer.save_model("adapter")
    ```

    ## When to ignore it
    When the parameters are gathered by other means.

    ## Options
    None.
    """
    calls = script.calls
    models = {wrap.made for wrap in peft_wraps(calls)}
    for position, trainer in enumerate(calls):
        model = trainer.things.get("model")
        args = maker(calls, trainer.things.get("args"))
        if not trainer.name.endswith("Trainer") or args is None or model not in models:
            continue
        zero = args.arguments.get("deepspeed")
        if zero is None or not zero.known or not _is_stage_three(zero.value):
            continue
        later = calls[position:]
        if any(call.name.endswith("GatheredParameters") for call in later):
            continue
        for call in later:
            if (
                call.name == ".save_pretrained"
                and call.on == model
                and "state_dict" not in (call.arguments)
            ):
                yield Problem(
                    call.span,
                    "under ZeRO-3 each process holds a slice of the adapter, and save_pretrained "
                    "writes the slice.",
                    help="Use trainer.save_model(...), which gathers the parameters first.",
                    also=(args.span,),
                )


def _is_stage_three(zero: object) -> bool:
    stage = zero.get("zero_optimization") if isinstance(zero, dict) else None
    return isinstance(stage, dict) and stage.get("stage") == 3
