"""What an adapter is asked to be, and what is done to its model right after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.calls import (
    adapted,
    after,
    between,
    certainly,
    frees,
    peft_wraps,
    trainings,
)
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.recipe import Call, Recipe
from lora_rules.rule import Problem, Severity, rule


@rule("LLB18", Severity.ERROR, evidence=[SCRIPT_RUNS])
def new_adapter_on_meta_device(script: Recipe) -> Iterator[Problem]:
    """A new adapter is made with `low_cpu_mem_usage=True`, which leaves it without weights.

    ## What it checks
    `get_peft_model(..., low_cpu_mem_usage=True)` on a model that is then trained, with no adapter
    loaded into it in between.

    ## Why it matters
    The option is for loading an adapter: its weights are made on the meta device and filled from
    the file. A new adapter has no file, its matrices stay empty, and the first forward or backward
    pass raises RuntimeError.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora, low_cpu_mem_usage=True)  # LLB18: True
    args = TrainingArguments("out", learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    When the script fills the weights itself.

    ## Options
    None.
    """
    calls = script.calls
    for wrap in peft_wraps(calls):
        given = wrap.arguments.get("low_cpu_mem_usage")
        if given is None or not certainly(given, True) or wrap.made is None:
            continue
        for training in trainings(calls):
            started = any(call is training.start for call in after(calls, wrap))
            if training.model != wrap.made or not started:
                continue
            steps = between(calls, wrap, training.start)
            filled = any(_may_fill(call) for call in steps)
            if not filled and not any(frees(call, wrap.made) for call in steps):
                yield Problem(
                    given.span,
                    "a new adapter made with low_cpu_mem_usage=True has no weights: training "
                    "raises RuntimeError.",
                    help="Leave it out; it is for loading an adapter.",
                    also=(training.start.span,),
                )
                break


def _may_fill(call: Call) -> bool:
    """Whether it may give an adapter its weights, as ``initialize_lora_eva_weights`` does."""
    if call.name.startswith("peft.") and bool(call.things):
        return True
    return call.name in _FILLING or "state_dict" in call.name


_FILLING = (".to_empty", ".load_adapter", ".to", ".apply", ".init_weights")


@rule("LLB19", Severity.ERROR, evidence=[SCRIPT_RUNS])
def resize_after_adapter(script: Recipe) -> Iterator[Problem]:
    """The embedding is resized after the adapter took it over.

    ## What it checks
    `model.resize_token_embeddings` after `get_peft_model` with a LoraConfig whose
    `modules_to_save` names `embed_tokens` or `lm_head`, or that has `trainable_token_indices`.

    ## Why it matters
    PEFT has put a wrapper in the place of the layer, and transformers cannot resize a wrapper: it
    raises TypeError, "Old embeddings are of type ModulesToSaveWrapper".

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-70B")
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        modules_to_save=["embed_tokens", "lm_head"],
    )
    model = get_peft_model(model, lora)
    model.resize_token_embeddings(128300)  # LLB19: model.resize_token_embeddings(128300)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-70B")
    model.resize_token_embeddings(128300)
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        modules_to_save=["embed_tokens", "lm_head"],
    )
    model = get_peft_model(model, lora)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    saved = script.known("modules_to_save")
    names = saved if isinstance(saved, list) else []
    if script.callee != "peft.LoraConfig":
        return
    if not script.known("trainable_token_indices") and not {"embed_tokens", "lm_head"} & {*names}:
        return
    calls = script.calls
    for use, model in adapted(script):
        if use.name != "peft.get_peft_model":
            continue
        for call in after(calls, use):
            if call.name in (".merge_and_unload", ".unload") and call.on == model:
                break
            resizes = call.name == ".resize_token_embeddings" and call.on == model
            if resizes and use.certain_after(call):
                yield Problem(
                    call.span,
                    f"PEFT wrapped the embedding at line {use.span.line}, and transformers cannot "
                    "resize the wrapper: TypeError.",
                    help="Resize before get_peft_model.",
                    also=(use.span,),
                )


VARIANTS: Mapping[str, str] = {
    "kasa_config": "KaSA",
    "use_bdlora": "BD-LoRA",
    "monteclora_config": "MonteCLoRA",
    "use_qalora": "QALoRA",
}


@rule("LLB08", Severity.WARNING, evidence=[PEFT_SOURCE, SCRIPT_RUNS])
def variant_ignored_when_quantized(
    recipe: Recipe, load_in_4bit: bool = False, load_in_8bit: bool = False
) -> Iterator[Problem]:
    """A LoRA variant is asked for that PEFT does not apply to bitsandbytes layers.

    ## What it checks
    `kasa_config`, `use_bdlora`, `monteclora_config` or `use_qalora` with a base in 4 or 8 bits by
    bitsandbytes. `velora_config` is an error there: PEFT raises ValueError.

    ## Why it matters
    The bitsandbytes layers of PEFT 0.21.2 know DoRA, Arrow and aLoRA; other variants are dropped
    without a word, and plain LoRA is trained. QALoRA is for GPTQ layers only.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        use_qalora=True,  # LLB08: True
    )
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if not (load_in_4bit or load_in_8bit):
        return
    for name, label in VARIANTS.items():
        if recipe.known(name) not in (None, False):
            yield Problem(
                name,
                f"PEFT does not apply {label} to bitsandbytes layers: plain LoRA is trained.",
                help="Leave it out, or load the base in 16 bits.",
            )
    if recipe.known("velora_config") is not None:
        yield Problem(
            "velora_config",
            "PEFT raises ValueError for VeLoRA on bitsandbytes layers.",
            severity=Severity.ERROR,
            help="Leave it out, or load the base in 16 bits.",
        )
