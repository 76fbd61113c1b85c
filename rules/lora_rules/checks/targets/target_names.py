"""What a module is called in another architecture, for offering the right name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Severity
from lora_rules.engine.version_range import VersionRange

if TYPE_CHECKING:
    from lora_rules.facts.model.inventory import Inventory

_FUSED = ("qkv_proj", "query_key_value", "c_attn", "Wqkv", "qkv", "W_pack", "att_proj", "in_proj")
_KEY_VALUE = ("kv_b_proj", "kv_a_proj_with_mqa", "kv_proj")
ROLES: tuple[tuple[str, ...], ...] = (
    ("q_proj", "query", "q", "q_lin", "wq", "to_q", "query_proj", "q_b_proj", "q_a_proj", *_FUSED),
    ("k_proj", "key", "k", "k_lin", "wk", "to_k", "key_proj", *_KEY_VALUE, *_FUSED),
    ("v_proj", "value", "v", "v_lin", "wv", "to_v", "value_proj", *_KEY_VALUE, *_FUSED),
    (
        "o_proj",
        "out_proj",
        "o",
        "dense",
        "c_proj",
        "out_lin",
        "wo",
        "Wo",
        "proj",
        "projection_layer",
        "self_attention.dense",
        "attention.output.dense",
    ),
    ("gate_proj", "w1", "wi_0", "gate_up_proj"),
    (
        "up_proj",
        "w3",
        "wi_1",
        "gate_up_proj",
        "fc1",
        "c_fc",
        "dense_h_to_4h",
        "fc_in",
        "lin1",
        "wi",
        "intermediate.dense",
    ),
    (
        "down_proj",
        "w2",
        "fc2",
        "dense_4h_to_h",
        "fc_out",
        "lin2",
        "c_proj",
        "wo",
        "output.dense",
    ),
    ("embed_tokens", "wte", "word_embeddings", "shared", "embed_in", "embeddings"),
    ("lm_head", "embed_out"),
    ("score", "classifier", "classification_head"),
)
"""Names of one layer across architectures, the usual ones first."""
ATTENTION = frozenset(name for role in ROLES[:4] for name in role) - {"c_proj", "dense", "wo"}
"""Last names of attention's layers, but those that other layers have too."""
FEED_FORWARD = frozenset(name for role in ROLES[4:7] for name in role)

HEADS = frozenset(name for role in ROLES[8:] for name in role) | {"qa_outputs", "proj_out"}
"""What output heads are called, which stand at the top of a model."""

TIED_NAMES = ("embed_tokens", "lm_head")
"""The only names that PEFT 0.21.2 knows for layers that may be tied."""


def right_names(inventory: Inventory, name: str) -> list[str]:
    """What the model has in the place of a module that it has not; empty when nobody can tell."""
    leaf = name.rpartition(".")[2]
    found = _renamed(inventory, name) or _by_role(inventory, leaf)
    if found or any(leaf in role for role in ROLES):
        return found
    return _nearest(inventory, leaf)


def renamed_in_5(inventory: Inventory, name: str) -> bool:
    """Whether a module of that name was there before transformers 5."""
    return bool(_renamed(inventory, name))


def in_transformers_5(pinned: VersionRange, severity: Severity) -> Severity:
    """The severity of what is new in transformers 5: a warning, unless that is pinned."""
    certain = pinned.certainly_at_least("5")
    return severity if certain else min(severity, Severity.WARNING)


def _renamed(inventory: Inventory, name: str) -> list[str]:
    leaf = name.rpartition(".")[2]
    for old, new in _renames(inventory):
        if old.rpartition(".")[2] == leaf:
            present = [one for one in map(_leaf, new.split()) if one in inventory.names]
            if present:
                return present
    return []


def _renames(inventory: Inventory) -> Iterator[tuple[str, str]]:
    if inventory.modules is None:
        return
    for old, new in inventory.modules.table.renamed:
        yield re.sub(r"\\(?=\W)|\.weight$|\.$|[$^]", "", old), re.sub(r"\.weight\b", "", new)


def _leaf(path: str) -> str:
    return path.strip(".\\").rpartition(".")[2]


def _by_role(inventory: Inventory, leaf: str) -> list[str]:
    there = inventory.names | _outer_names(inventory)
    for role in ROLES:
        if leaf in role:
            for name in role:
                if name in there or ("." in name and inventory.named(name)):
                    return [name]
    return []


def _outer_names(inventory: Inventory) -> frozenset[str]:
    """Of the token embedding and the head."""
    return frozenset(
        path.rpartition(".")[2] for path in (inventory.embedding, inventory.head) if path
    )


def _nearest(inventory: Inventory, leaf: str) -> list[str]:
    from difflib import get_close_matches  # only for a message

    return get_close_matches(leaf, sorted(inventory.names), n=1, cutoff=0.7)
