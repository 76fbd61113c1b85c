"""Which settings and keys with several candidates were read while a rule ran.

A rule declares the settings that it reads, and its worlds are made of these. Which keys of a block
it looks at is only seen while it runs, and so is what is asked of the recipe of a world: that is
noted here, and the question is asked again in the worlds in which it differs too. So nothing is
judged by a value that is another one in some world.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import Any
from lora_rules.recipe import Block, Key, Recipe, Setting

Reads = set[str | int]
"""Settings by their names; keys by their number among all keys of the recipe."""


def has_several(value: Setting | Key) -> bool:
    """Whether it differs between worlds."""
    return len(value.candidates) > 1 or bool(value.choices)


def tracked(recipe: Recipe, reads: Reads) -> Recipe:
    """The recipe, noting in ``reads`` what is read of settings and keys that differ.

    ``reads`` may be emptied by the caller at any time.
    """
    several = frozenset(n for n, each in recipe.settings.items() if has_several(each))
    settings = _Settings(recipe.settings, several, reads)
    return recipe._replace(settings=settings, blocks=_blocks(recipe.blocks, reads))


def _blocks(blocks: tuple[Block, ...], reads: Reads) -> tuple[Block, ...]:
    number = 0
    made = []
    for block in blocks:
        keys = []
        for key in block.keys:
            keys.append(_tracked_key(key, number, reads) if has_several(key) else key)
            number += 1
        made.append(block._replace(keys=tuple(keys)))
    return tuple(made)


class _Settings(dict[str, Setting]):
    """Settings that note which of them are looked at."""

    def __init__(self, settings: Any, several: frozenset[str], reads: Reads) -> None:  # noqa: ANN401
        super().__init__(settings)
        self._several = several
        self._reads = reads

    def _note(self, name: object) -> None:
        if name in self._several:
            self._reads.add(str(name))

    def __getitem__(self, name: str) -> Setting:
        self._note(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401
        self._note(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self._reads |= self._several
        return super().__iter__()

    def keys(self) -> Any:  # noqa: ANN401
        self._reads |= self._several
        return super().keys()

    def values(self) -> Any:  # noqa: ANN401
        self._reads |= self._several
        return super().values()

    def items(self) -> Any:  # noqa: ANN401
        self._reads |= self._several
        return super().items()


class _TrackedKey(Key):
    """A key that notes when its value is looked at."""

    number: int
    reads: Reads

    @property
    def candidates(self) -> tuple[object, ...]:
        self.reads.add(self.number)
        found: tuple[object, ...] = self[Key._fields.index("candidates")]  # type: ignore[assignment]
        return found

    def _replace(self, **changes: Any) -> Key:  # type: ignore[override]  # noqa: ANN401
        """A plain key: what is made of this one has read it."""
        self.reads.add(self.number)
        return Key(*self)._replace(**changes)


def _tracked_key(key: Key, number: int, reads: Reads) -> _TrackedKey:
    made = _TrackedKey(*key)
    made.number, made.reads = number, reads
    return made
