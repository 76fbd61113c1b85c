"""Rule LLB06, quantized-without-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.unadapted import Unadapted, unadapted
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS, TRANSFORMERS_SOURCE, UNSLOTH_SOURCE
from lora_rules.program import Program


@rule(
    "LLB06",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says("Trainer raises ValueError for a 4-bit model without an adapter."),
        SCRIPT_RUNS.says(
            "A step of AdamW over all parameters of a 4-bit model changes its embedding, norms and "
            "head, and nothing else."
        ),
        UNSLOTH_SOURCE.says("from_pretrained has load_in_4bit = True."),
        TRANSFORMERS_SOURCE.says(
            "FP8 checkpoints are dequantized on GPUs with a compute capability below 8.9."
        ),
    ],
    without_adapter=True,
)
def quantized_without_adapter(program: Program) -> Iterator[Problem]:
    """A quantized model that has no adapter is trained.

    ## What it checks
    A model that is certainly loaded in 4 or 8 bits goes to a trainer of transformers or TRL, and
    nothing gave it an adapter: no `get_peft_model`, no `PeftModel`, no `add_adapter`, no
    `peft_config`.

    - Unsloth loads in 4 bits unless that is turned off.
    - A checkpoint that is stored quantized (`-AWQ`, `-GPTQ`) counts by its name; `-FP8` is a
      warning, because GPUs without FP8 make it bfloat16.
    - A loop of the script that trains such a model is a warning.
    - This one is also reported in files that do not mention LoRA.

    ## Why it matters
    transformers raises ValueError, "You cannot perform fine-tuning on purely quantized models",
    once the model has been downloaded and loaded. A LoraConfig that is made and not handed over
    does not help. Quantized weights are integers, which have no gradient: a loop trains the
    embedding, the norms and the head, and leaves all else as it was.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", num_train_epochs=1, learning_rate=2e-4, max_length=2048)
    trainer = SFTTrainer(model=model, args=args, train_dataset=load())  # LLB06
    trainer.train()
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", num_train_epochs=1, learning_rate=2e-4, max_length=2048)
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    for found in unadapted(program.calls):
        problem = _problem(found)
        yield problem._replace(
            at=found.setup.span,
            help="Give the model an adapter: get_peft_model, or peft_config for a trainer of TRL.",
            also=(found.load.span,),
        )


def _problem(found: Unadapted) -> Problem:
    what = f"the model is quantized (line {found.load.span.line}) and has no adapter: "
    if not found.setup.name.endswith("Trainer"):
        return Problem(
            None,
            what + "its quantized weights get no gradient, and only embedding, norms and head are "
            "trained.",
            severity=Severity.WARNING,
        )
    if found.method == "fp8":
        return Problem(
            None,
            what + "on a GPU that computes in FP8 the trainer raises ValueError; on others the "
            "weights become bfloat16, and all of them are trained.",
            severity=Severity.WARNING,
        )
    return Problem(None, what + "the trainer raises ValueError.")
