"""One edit made in a text, for tests."""

from __future__ import annotations

from lora_lint.engine.config import Config
from lora_lint.engine.finding import Finding
from lora_lint.fix.apply_fix import Place, Reader, made
from lora_lint.fix.document import Document
from lora_lint.fix.notebook import Notebook
from lora_lint.sources.source import KINDS, Source
from lora_rules.engine.problem import Edit, Severity
from lora_rules.recipe import Span


def edited(text: str | bytes, name: str, *edits: Edit, recipe: int = 0) -> str:
    """The text with edits made; a rename is made at the first key of that name."""
    data = text if isinstance(text, bytes) else text.encode()
    source = Source(name, KINDS[name[name.rindex(".") :]], data)
    reader = Reader(Config(), {})
    document = Notebook(source) if source.kind == "notebook" else Document(source)
    for edit in edits:
        recipes = reader.recipes(document.source)
        assert recipes, "no recipe is read here"
        this = recipes[recipe]
        keys = [key for block in this.blocks for key in block.keys]
        span = next((k.span for k in keys if k.name == getattr(edit, "key", "")), this.span)
        finding = Finding(name, "X", "x", Severity.ERROR, "", span, edits=(edit,), recipe=recipe)
        document = made(document, this, edit, Place(finding, recipe, None), reader)
    return document.source.text


def at(line: int, column: int, width: int) -> Span:
    return Span(line, column, line, column + width)
