"""The type of the libraries' objects.

Their types are not read (see ``[tool.mypy]``), so that checking takes seconds; in signatures such
an object is ``Opaque``, and its name says what it is.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Opaque: TypeAlias = Any
