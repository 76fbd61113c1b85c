"""The four recipes that ``lora-launch init`` starts from.

They are those of the second seed document, with its defects mended: target modules are looked up in
the model instead of being written down (``o_proj`` fits no module of OPT, silently), and the
classifier answers with its label as text, so that there is no new head that nothing trains.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one kind of task begins with."""

    name: str
    purpose: str
    r: int
    dropout: float
    targets: str
    """``query and value``, ``attention`` or ``all-linear``."""
    max_length: int
    epochs: int
    data: str
    """What a row of its data looks like."""

    @property
    def alpha(self) -> int:
        """Twice the rank, in all four."""
        return 2 * self.r


RECIPES = {
    each.name: each
    for each in (
        Recipe(
            "classification",
            "a label as the answer",
            8,
            0.1,
            "query and value",
            512,
            3,
            '{"prompt": "The parcel is late.", "completion": " delivery"}',
        ),
        Recipe(
            "instruction",
            "following instructions, chat",
            16,
            0.05,
            "attention",
            1024,
            3,
            '{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", ...}]}',
        ),
        Recipe(
            "domain",
            "the language of a field, plain text",
            32,
            0.05,
            "all-linear",
            2048,
            1,
            '{"text": "..."}',
        ),
        Recipe(
            "code",
            "code and its conventions",
            64,
            0.0,
            "all-linear",
            2048,
            2,
            '{"prompt": "...", "completion": "..."}',
        ),
    )
}

QUERY_VALUE = (("q_proj", "v_proj"), ("query", "value"), ("q", "v"))
ATTENTION = (
    ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("q_proj", "k_proj", "v_proj", "out_proj"),
    ("q_proj", "k_proj", "v_proj", "dense"),
    ("q", "k", "v", "o"),
)
"""Names under which models have these modules; the first that a model has all of is taken."""
FUSED = ("qkv_proj", "query_key_value", "c_attn", "Wqkv", "qkv")
"""Query, key and value in one module: it is both of the above."""


def targets(recipe: Recipe, names: frozenset[str]) -> str | list[str]:
    """The recipe's modules as a model calls them; ``all-linear`` where it calls them otherwise.

    Args:
        recipe: the recipe.
        names: last parts of the paths of the model's linear modules; empty if it is not known.
    """
    wanted = {"query and value": QUERY_VALUE, "attention": ATTENTION}.get(recipe.targets, ())
    for group in wanted:
        if names >= set(group):
            return list(group)
    fused = [name for name in FUSED if name in names] if wanted else []
    return fused or "all-linear"
