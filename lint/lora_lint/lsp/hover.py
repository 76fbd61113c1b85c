"""What the editor shows over a place: the rule's page, and what a setting means and is."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol.types import Hover, MarkupContent, MarkupKind, Position, Range

from lora_lint.engine.finding import Finding
from lora_lint.lsp.analysis import Analysis
from lora_lint.lsp.places import touches
from lora_rules.engine.brief import brief
from lora_rules.engine.registry import all_rules
from lora_rules.recipe import Origin, Recipe, Setting
from lora_rules.settings import SETTINGS

_LONGEST = 300
"""Characters of a value that are shown."""


def hover(analysis: Analysis, uri: str, position: Position) -> Hover | None:
    """What to show over a position; ``None`` if there is nothing to say."""
    here = Range(position, position)
    texts: list[str] = []
    ranges: list[Range] = []
    for setting, place in _settings(analysis, uri, here):
        text = about(setting)
        if text not in texts:
            texts.append(text)
            ranges.append(place)
    for finding in analysis.findings:
        location = analysis.view.location(finding.span)
        if location and location.uri == uri and touches(location.range, here):
            texts.append(page(finding))
            ranges.append(location.range)
    if not texts:
        return None
    value = "\n\n---\n\n".join(texts)
    return Hover(MarkupContent(MarkupKind.Markdown, value), ranges[0])


def _settings(analysis: Analysis, uri: str, here: Range) -> Iterator[tuple[Setting, Range]]:
    """The settings whose key or value stands there, each as the first recipe that has it."""
    for recipe in analysis.recipes:
        for setting in _written(recipe):
            for span in (setting.key_span, setting.span):
                location = analysis.view.location(span) if span is not None else None
                if location and location.uri == uri and touches(location.range, here):
                    yield setting, location.range
                    break


def _written(recipe: Recipe) -> Iterator[Setting]:
    for setting in recipe.settings.values():
        whole = setting.span == recipe.span  # derived from the call: not what is pointed at
        if not whole and (setting.name in SETTINGS or setting.origin is Origin.WRITTEN):
            yield setting


def about(setting: Setting) -> str:
    """What a setting means, what it is here, and how that is known."""
    lines = [f"**`{setting.name}`**"]
    if setting.key not in ("", setting.name):
        lines[0] += f", here `{setting.key}`"
    if setting.name in SETTINGS:
        lines.append(SETTINGS[setting.name].doc)
    if setting.candidates:
        value = " or ".join(dict.fromkeys(f"`{_short(value)}`" for value in setting.candidates))
        lines.append(f"In effect: {value} ({_how(setting)}).")
    else:
        lines.append(f"In effect: unknown ({setting.reason or 'the file does not say'}).")
    return "\n\n".join(lines)


def _how(setting: Setting) -> str:
    if setting.origin is Origin.DEFAULT:
        said = f"the default of {setting.source}"
    elif setting.origin is Origin.DERIVED:
        said = f"from {setting.source}" if setting.source else "worked out"
    else:
        said = f"written; {setting.source}" if setting.source else "written here"
    if setting.declared is not None and setting.declared != setting.span:
        said += f", set in line {setting.declared.line}"
    if setting.overridable:
        said += "; the command line can change it"
    return said


def _short(value: object) -> str:
    return brief(value, _LONGEST).replace("`", "'")


def page(finding: Finding) -> str:
    """A finding's rule, as ``lora-lint explain`` tells it."""
    rule = all_rules().get(finding.code)
    head = f"**{finding.full_code} {finding.name}** ({finding.severity.word})\n\n{finding.message}"
    if finding.help:
        head += f"\n\n{finding.help}"
    if rule is None:
        return head
    key = rule.keys.get(finding.key)
    about = (
        f"{key.says} {key.why}\n\n{key.moment}\n\n{key.source}"
        if key is not None and key.source
        else rule.page
    )
    return f"{head}\n\n{about}"
