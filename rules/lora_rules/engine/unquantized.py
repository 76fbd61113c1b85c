"""Keys that say how to quantize the base model, in a file that does not quantize it."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_rules.engine.draft import Draft


def ignores_how(
    draft: Draft, switches: Iterable[str], how: Iterable[str], reason: str, instead: str
) -> None:
    """Note the keys of ``how`` that are written, unless a switch is there, whatever it says.

    A key that is false is a switch that is off itself. ``reason`` and ``instead`` are those of
    :meth:`lora_rules.engine.draft.Draft.ignores`.
    """
    if any(draft.is_there(switch) for switch in switches):
        return
    for key in how:
        found = draft.find([key])
        if found is not None and draft.plain(key) is not False:
            draft.ignores(found, reason, instead, quantizes=True)
