"""``lora-lint memory``: the forecast of each recipe, as text, JSON or a page."""

from __future__ import annotations

from lora_lint.report import terminal
from lora_lint.report.memory_outlook import tell
from lora_rules.engine._startup.typed import TextIO
from lora_rules.recipe import Recipe


def memory(recipes: tuple[Recipe, ...], form: str, stream: TextIO, page: str = "") -> None:
    """Write each recipe's forecast, as ``text`` (styled on a terminal) or ``json``.

    Args:
        recipes: what was read.
        form: ``text`` or ``json``.
        stream: where it goes.
        page: a file that gets the same as a page of HTML.

    Raises:
        OSError: if that file cannot be written.
    """
    told = [tell(recipe) for recipe in recipes]
    if page:
        from lora_lint.pages.memory_html import html

        with open(page, "w", encoding="utf-8") as file:
            file.write(html(told))
    if form == "json":
        from lora_lint.report.memory_json import document

        terminal.write_plain(document(told), stream)
        return
    from lora_lint.report.memory_text import block_of, segments

    terminal.write(segments(told, block_of(stream)), stream)
