"""A name for the objects of torch, transformers, PEFT and bitsandbytes.

The launcher is type-checked where none of them is installed, so their types are not known there.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Opaque: TypeAlias = Any
"""A tensor, a module, an operator or another object whose type comes from torch or its kin."""
