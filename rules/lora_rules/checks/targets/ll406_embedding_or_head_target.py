"""Rule LL406, embedding-or-head-target."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.targets.target_names import TIED_NAMES
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Add, Edit, Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE
from lora_rules.program import Program

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
from lora_rules.checks.targets.heads import leaf


@rule(
    "LL406",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "merge_and_unload adds the update of a tied target to the one shared weight, once "
            "for each of its adapters; a copy of modules_to_save ends the tie."
        ),
    ],
)
def embedding_or_head_target(
    framework: Behaviour,
    targeted: Targeted,
    modules_to_save: list[str] | None = None,
    ensure_weight_tying: bool = False,
    program: Program | None = None,
) -> Iterator[Problem]:
    """An embedding or output head is adapted or trained whole, though the two share one weight.

    ## What it checks
    `embed_tokens` or `lm_head` stand in `target_modules` or `modules_to_save`, and the base model
    ties them, without `ensure_weight_tying`.

    - Also a warning: such a target in a script that merges, with `ensure_weight_tying`, too;
      `ensure_weight_tying` with nothing to tie.
    - An error: `ensure_weight_tying` with one of the two as a target and the other saved whole.
    - An info where the two are not tied and one is a target.

    ## Why it matters
    A tied weight is one tensor, and PEFT trains an adapter or a copy for one of its two uses.

    - A target: merging writes the update into the shared weight, for both uses, with
      `ensure_weight_tying` twice. The merged model is another than the trained one.
    - A copy that is saved whole: after merging the two differ and are stored untied.
    - A targeted embedding is saved in full with the adapter.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    names = ["q_proj", "v_proj", "gate_proj", "up_proj", "down_proj", "embed_tokens"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL406: names
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When the two are meant to part.

    ## Options
    None.
    """
    if framework.saves_modules_itself or not targeted.inventory.exact:
        return
    saved = [name for name in modules_to_save or () if leaf(name) in TIED_NAMES]
    named = _named_targets(targeted)
    at = "modules_to_save" if saved else "target_modules"
    tied = targeted.inventory.tied
    if ensure_weight_tying and (not tied or not (saved or named)):
        why = "the model ties no weights" if not tied else "no tied layer is adapted or saved"
        yield Problem("ensure_weight_tying", f"ensure_weight_tying has nothing to do: {why}.")
    elif ensure_weight_tying and saved and (named or targeted.inventory.head in targeted.adapted):
        yield Problem(
            "target_modules",
            f"{named[0] if named else targeted.inventory.head} is tied to {saved[0]}, which is "
            "trained whole with ensure_weight_tying: PEFT raises TypeError.",
            severity=Severity.ERROR,
            also=("modules_to_save",),
        )
    elif tied and named and program is not None and program.calls.named(".merge_and_unload"):
        yield _merged(named, "twice" if ensure_weight_tying else "for both of its uses")
    elif tied and (saved or named) and not ensure_weight_tying:
        both = " and ".join(dict.fromkeys([*saved, *named]))
        edits: tuple[Edit, ...] = (Add("ensure_weight_tying", value=True),)
        twice = ", and do not merge: the shared weight would get the update twice" if named else ""
        do = f"Add ensure_weight_tying=True{twice}."
        if not framework.ties_saved_modules:
            edits = ()
            do = (
                f"{framework.label} has no key for ensure_weight_tying: leave them frozen, or take "
                "a model whose head has a weight of its own."
            )
        yield Problem(
            at,
            f"{both} of a model that ties embedding and head: {_parting(saved, named)}.",
            help=do,
            edits=edits,
        )
    elif named:
        yield Problem(
            "target_modules",
            f"{' and '.join(named)} among the targets: PEFT saves the whole embedding with the "
            "adapter.",
            severity=Severity.INFO,
        )


def _merged(named: list[str], how: str) -> Problem:
    return Problem(
        "target_modules",
        f"{' and '.join(named)} of a model that ties embedding and head, and it is merged: "
        f"the shared weight gets the update {how}, and the merged model is another than the "
        "trained one.",
        help="Leave it out, or train it whole: modules_to_save with ensure_weight_tying=True.",
    )


def _parting(saved: list[str], named: list[str]) -> str:
    """What becomes of a tied weight: PEFT copies a module that it saves, for each name."""
    both_ends = {leaf(name) == "lm_head" for name in saved} == {True, False}
    if both_ends and not named:
        return "PEFT trains a copy for each, and they are tied no more"
    merged = ", and merging changes both" if named and not saved else ""
    return f"only one of the two uses of the weight is trained{merged}"


def _named_targets(targeted: Targeted) -> list[str]:
    written = targeted.written
    if written is None:
        return []
    if isinstance(written, str):
        return [name for name in TIED_NAMES if name in targeted.adapted and written != "all-linear"]
    return [name for name in written if leaf(name) in TIED_NAMES]
