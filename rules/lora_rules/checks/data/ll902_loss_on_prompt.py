"""Rule LL902, loss-on-prompt."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PROMPT_LOSS
from lora_rules.facts.run.written_keys import every_key
from lora_rules.recipe import Blocks

ON_PROMPTS = {
    "train_on_inputs": True,
    "train_on_prompt": True,
    "train_on_input": True,
    "completion_only_loss": False,
    "mask_prompt": False,
}
"""Keys of axolotl, LLaMA-Factory, torchtune, TRL and litgpt, and the value that means it."""


@rule(
    "LL902",
    Severity.INFO,
    evidence=[
        PROMPT_LOSS.says(
            "Masking the prompt gained about a point; with long prompts, short answers or "
            "few examples a loss on the prompt helped instead."
        ),
    ],
)
def loss_on_prompt(blocks: Blocks, training_kind: str) -> Iterator[Problem]:
    """The loss counts the prompts as well as the answers.

    ## What it checks
    A key that asks for it in so many words: `train_on_inputs: true` (axolotl), `train_on_prompt`
    (LLaMA-Factory), `train_on_input` (torchtune), `mask_prompt: false` (litgpt, mlx-lm),
    `completion_only_loss=False` (TRL), in supervised fine-tuning.

    ## Why it matters
    The model then also learns to write prompts. Where that was measured, masking them gained about
    a point; but with long prompts, short answers or few examples a loss on the prompt helped. So
    it is a question worth asking, not a fault.

    ## Bad
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    train_on_inputs: true  # LL902: true
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    train_on_inputs: false
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When answers are short, prompts are long, or both are wanted.

    ## Options
    None.
    """
    if training_kind != "sft":
        return
    for key in every_key(blocks):
        name = key.name.rpartition(".")[2]
        if name in ON_PROMPTS and key.candidates == (ON_PROMPTS[name],):
            yield Problem(
                key.value_span or key.span,
                f"{name} = {str(key.candidates[0]).lower()}: the loss counts the prompts too; "
                "masking them gained about a point where it was measured, and lost where prompts "
                "are long.",
                help="Compare both on held-out examples.",
            )
