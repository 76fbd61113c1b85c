"""The head of a classifier: whether it is trained, and whether the task fits the model."""

from __future__ import annotations

CLASSIFICATION = tuple(f"For{of}Classification" for of in ("Sequence", "Token", "Image"))
