"""Rule LL902, loss-on-prompt."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import CHATTERJEE_2025, HUERTA_2024, SHI_2024
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
        CHATTERJEE_2025.says(
            "A low to moderate weight of the prompt in the loss (0 to 0.5) with a moderate to high "
            "one of the response gives the best models."
        ),
        HUERTA_2024.disagrees(
            "With medium and long answers the weight of the prompt makes no difference; with short "
            "ones 0.01 to 0.1 is best for short outputs, and about 1 for long ones."
        ),
        SHI_2024.disagrees(
            "A loss on the instructions helps with long instructions and brief outputs, or few "
            "examples."
        ),
    ],
)
def loss_on_prompt(blocks: Blocks, training_kind: str) -> Iterator[Problem]:
    """The loss counts the prompts as well as the answers.

    ## What it checks
    A key asks for a loss on the prompts in supervised fine-tuning: `train_on_inputs: true`
    (axolotl), `train_on_prompt` (LLaMA-Factory), `train_on_input` (torchtune), `mask_prompt: false`
    (litgpt, mlx-lm), `completion_only_loss=False` (TRL).

    ## Why it matters
    The model then also learns to write prompts, at full weight. Measurements differ: one study
    finds a weight of 0 to 0.5 best; one finds that it makes no difference unless answers are
    short; one finds that it helps with long prompts, brief answers or few examples. Neither choice
    is a fault, so this is an info.

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
                f"{name} = {str(key.candidates[0]).lower()}: the loss counts the prompts in full; "
                "one study finds a weight of 0 to 0.5 best, one finds that a loss on them helps "
                "where answers are short or examples few.",
                help="Compare both on held-out examples.",
            )
