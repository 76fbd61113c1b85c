"""Rule LLB53, evaluation-keeps-all-logits."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument, argument_is, base_load
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS, TRANSFORMERS_SOURCE
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_TRAINERS = ("transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer")
_FOR_EACH_TOKEN = ("ForCausalLM", "ForMaskedLM", "ForSeq2SeqLM", "ForConditionalGeneration")
_FOR_EACH_PIXEL = ("ForSemanticSegmentation", "ForUniversalSegmentation")
_LET_GO = (
    "eval_accumulation_steps",
    "batch_eval_metrics",
    "prediction_loss_only",
    "predict_with_generate",
)
"""Training arguments with which the logits of all rows are not on the device together."""
_STRATEGIES = ("eval_strategy", "evaluation_strategy")


@rule(
    "LLB53",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "With compute_metrics the largest tensor of an evaluation has the logits of all rows "
            "so far; with eval_accumulation_steps=1 or preprocess_logits_for_metrics it has not."
        ),
        TRANSFORMERS_SOURCE.says(
            "evaluation_loop adds the logits of each batch to all_preds, and moves them to the "
            "host where eval_accumulation_steps divides the step, else at the end."
        ),
    ],
    calls=(
        "transformers.Trainer(compute_metrics)",
        "transformers.Seq2SeqTrainer(compute_metrics)",
        "trl.SFTTrainer(compute_metrics)",
    ),
)
def evaluation_keeps_all_logits(program: Program) -> Iterator[Problem]:
    """An evaluation collects the logits of all its rows on the GPU, for `compute_metrics`.

    ## What it checks
    `Trainer`, `Seq2SeqTrainer` or `SFTTrainer` evaluates with `compute_metrics` a model that gives
    logits for every token or pixel.

    - Left alone with `preprocess_logits_for_metrics`, `eval_accumulation_steps`,
      `batch_eval_metrics` or `predict_with_generate`, and where the rows come from `select`.

    ## Why it matters
    The trainer keeps the logits of each batch on the device until the evaluation ends, then hands
    all of them to `compute_metrics`. One row of 1,000 tokens takes 0.57 GiB in float32 with the
    151,936 logits of Qwen2.5: 100 rows are 57 GiB. Training fits, the first evaluation does
    not.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="bfloat16")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1, eval_strategy="epoch")
    trainer = Trainer(
        model=get_peft_model(model, lora),
        args=args,
        train_dataset=load("train"),
        eval_dataset=load("test"),
        compute_metrics=accuracy,  # LLB53: accuracy
    )
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="bfloat16")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1, eval_strategy="epoch")
    trainer = Trainer(
        model=get_peft_model(model, lora),
        args=args,
        train_dataset=load("train"),
        eval_dataset=load("test"),
        compute_metrics=accuracy,
        preprocess_logits_for_metrics=lambda logits, labels: logits.argmax(-1),
    )
    trainer.train()
    ```

    ## When to ignore it
    When the evaluation set has a few short rows.

    ## Options
    None.
    """
    calls = program.calls
    for trainer in calls.named(*_TRAINERS):
        metrics = trainer.arguments.get("compute_metrics")
        if metrics is None or None in metrics.candidates or not trainer.complete:
            continue
        if _is_given(trainer, "preprocess_logits_for_metrics") or _is_small(calls, trainer):
            continue
        of = _gives_logits_for(calls, trainer)
        if of and _keeps(calls, trainer):
            yield Problem(
                metrics.span or trainer.span,
                f"the logits of every {of} of the whole evaluation set are kept on the GPU until "
                "it ends.",
                help="Give preprocess_logits_for_metrics (argmax), or eval_accumulation_steps.",
                also=(trainer.span,),
            )
            return


def _is_given(call: Call, name: str) -> bool:
    """Whether an argument is, or may be, other than off."""
    return name in call.arguments and not argument_is(call.arguments[name], None)


def _is_small(calls: Calls, trainer: Call) -> bool:
    """Whether the rows are chosen from a dataset."""
    rows = trainer.things.get("eval_dataset")
    if rows is None:
        return False
    maker = calls.maker(rows)
    return "select()" in rows.part or (maker is not None and maker.name == ".select")


def _gives_logits_for(calls: Calls, trainer: Call) -> str:
    """What the model gives logits for, if these are many for each row."""
    model = trainer.things.get("model")
    if model is None:
        name = trainer.arguments.get("model")
        by_name = name is not None and name.known and isinstance(name.value, str)
        return "token" if by_name and trainer.name.startswith("trl.") else ""
    load = base_load(calls, model)
    owner = "" if load is None else load.name.rpartition(".")[0]
    if owner.endswith(_FOR_EACH_TOKEN):
        return "token"
    return "pixel" if owner.endswith(_FOR_EACH_PIXEL) else ""


def _keeps(calls: Calls, trainer: Call) -> bool:
    """Whether the trainer certainly evaluates, and its arguments let it keep all."""
    args = calls.maker(trainer.things.get("args"))
    if args is None or not args.complete or not args.name.startswith(("transformers.", "trl.")):
        return False
    if any(_is_on(args, name) for name in _LET_GO) or _is_changed(calls, args):
        return False
    strategies = [argument(args, name, "no") for name in _STRATEGIES]
    if any(isinstance(each, str) and each != "no" for each in strategies):
        return True
    made = trainer.made
    return made is not None and bool(calls.places(_evaluates, made))


def _is_on(args: Call, name: str) -> bool:
    return name in args.arguments and not (
        argument_is(args.arguments[name], None) or argument_is(args.arguments[name], value=False)
    )


def _is_changed(calls: Calls, args: Call) -> bool:
    """Whether one of the arguments may be set later."""
    names = tuple(f"={name}" for name in _LET_GO)
    return any(call.on == args.made for call in calls.named(*names))


def _evaluates(call: Call, trainer: Thing) -> bool:
    return call.on == trainer and call.name in (".evaluate", ".predict")
