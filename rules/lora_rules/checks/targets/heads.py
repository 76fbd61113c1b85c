"""Embeddings and heads that are adapted, or trained whole beside the adapter."""

from __future__ import annotations


def leaf(name: str) -> str:
    """The last part of a dotted path."""
    return name.rpartition(".")[2]
