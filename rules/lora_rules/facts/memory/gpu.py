"""Fact ``usable_gpu``: the bytes that a program really gets on the declared GPU.

The label on the box is not it: a "24 GB" RTX 4090 reports 23.5 GiB to torch, a "24 GB" L4 with
its error correction 22.0 GiB. ``gpus.json`` (``tools/build_gpus.py``) holds, card by card, the low
end of what torch has been seen to report, with the source.
"""

from __future__ import annotations

import os
import re
from functools import cache

from lora_rules.engine._startup.record import lazily, record
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.value import Unknown

if TYPE_CHECKING:
    from lora_rules.engine.behaviour import Behaviour


class UnknownGpu(Unknown):
    """No card of that name is in the table, or several are; the text names the nearest."""


@record(frozen=True)
class Gpu:
    """One graphics card."""

    name: str
    gigabytes: int
    """What the maker calls its memory."""
    usable: int
    """Bytes, at the low end of what torch reports as the total: it depends on the driver."""
    most: int
    """Bytes, at the high end: what needs more than this never fits."""
    capability: str | None
    """CUDA's compute capability, or the ``gfx`` name; ``None`` for a bare size."""
    bf16: bool | None
    """Whether it computes in bfloat16 natively; ``None`` for a bare size."""
    source: str
    """Where the bytes were read."""


_BRANDS = lazily(r"\b(nvidia|amd|geforce|tesla|instinct|quadro|gpu|graphics|card|rtx|gtx)\b")
_SIZE = lazily(r"(\d+(?:\.\d+)?)\s*(gib|gb|g)", re.IGNORECASE)


def usable_gpu(gpu: str, framework: Behaviour) -> Gpu:
    """The declared GPU.

    Raises:
        UnknownGpu: if no card, or more than one, has that name, or a service has its own.
    """
    if framework.elsewhere:
        raise UnknownGpu(f"{framework.label} trains on machines of its own")
    return find_gpu(gpu)


def find_gpu(name: str) -> Gpu:
    """The card that a name means: ``RTX 4090``, ``4090``, ``NVIDIA A100-SXM4-80GB``, ``t4``.

    A bare size is a card too: ``24 GB`` and ``24GiB`` are both taken as 24 GiB. A card with that
    label has less (all of the table but the H100 NVL), so a verdict "does not fit" stays true.

    Raises:
        UnknownGpu: if no card has that name (the text suggests some), or several have it.
    """
    size = _SIZE.fullmatch(name.strip())
    if size is not None:
        return _of_size(name.strip(), float(size[1]))
    wanted = _key(name)
    exact = [card for key, card in _keys() if key == wanted]
    found = exact or [card for key, card in _keys() if wanted and _extends(key, wanted)]
    unique = {card.name: card for card in found}
    if len(unique) == 1:
        return next(iter(unique.values()))
    if unique:
        raise UnknownGpu(f"{name!r} may be {_or(sorted(unique))}: say which")
    raise UnknownGpu(f"no GPU called {name!r} is in the table{_suggest(wanted)}")


def _of_size(name: str, gigabytes: float) -> Gpu:
    if not 1 <= gigabytes <= 1024:
        raise UnknownGpu(f"{name!r} is no size of a GPU's memory")
    usable = int(gigabytes * 2**30)
    return Gpu(name, round(gigabytes), usable, usable, None, None, "the size that was declared")


def _key(name: str) -> str:
    """Lower case, without makers and families, words joined: ``NVIDIA A100-80G`` is ``a10080gb``.

    "rtx" goes as well, because people leave it out, except in front of a name that is a different
    card without it (``RTX A6000`` has no such twin, ``RTX 6000 Ada`` keeps its ``ada``).
    """
    words = re.sub(r"[-_()\[\],/]+|(?<=tx)(?=\d)", " ", name.lower())
    words = re.sub(r"(\d+)\s*(?:gib|gb|g)\b", r" \1gb ", words)
    return "".join(_BRANDS.sub(" ", words).split())


def _extends(key: str, wanted: str) -> bool:
    """Whether ``key`` is ``wanted`` with a memory size or a form factor after it."""
    rest = key.removeprefix(wanted)
    return rest != key and re.fullmatch(r"(pcie|sxm\d?|nvl)?(\d+gb)?(hbm3)?", rest) is not None


@cache
def _keys() -> tuple[tuple[str, Gpu], ...]:
    from json import load  # only a run with a declared GPU comes here

    path = os.path.join(os.path.dirname(__file__), "gpus.json")
    with open(path, encoding="utf-8") as file:
        rows = load(file)
    return tuple(
        (_key(name), Gpu(*(row[field] for field in Gpu.__match_args__)))
        for row in rows
        for name in (row["name"], *row["aliases"])
    )


def _suggest(wanted: str) -> str:
    from difflib import get_close_matches

    by_key = {key: card.name for key, card in _keys()}
    near = dict.fromkeys(by_key[key] for key in get_close_matches(wanted, by_key, n=6, cutoff=0.5))
    names = list(near)[:3]
    return f"; did you mean {_or(names)}?" if names else "; a size such as '24GB' will do"


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
