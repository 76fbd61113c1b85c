"""Writes what is generated of the documentation.

That is a page a rule, their table, a page a framework, their list, the README's picture and table.

    python tools/build_docs.py [--check]

With ``--check`` nothing is written; the exit code says whether a page is out of date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from docs_framework_pages import framework_pages
from docs_frameworks import dialects_page
from docs_readme import README, counted, readme
from docs_rules import rule_pages, rules_page

DOCS = Path(__file__).parent.parent / "docs"


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated page: where it lies, and what it says."""
    yield DOCS / "rules" / "index.md", rules_page()
    for name, text in rule_pages():
        yield DOCS / "rules" / name, text
    yield DOCS / "dialects.md", dialects_page()
    for name, text in framework_pages():
        yield DOCS / "frameworks" / name, text
    yield DOCS / "index.md", counted((DOCS / "index.md").read_text())
    yield README, readme()


def stale() -> list[str]:
    """The pages that are out of date, missing, or of rules and frameworks that are gone."""
    wanted = dict(pages())
    wrong = [path for path, text in wanted.items() if not _holds(path, text)]
    gone = [path for path in _generated() if path not in wanted]
    return [str(path.relative_to(README.parent)) for path in sorted(wrong + gone)]


def _generated() -> list[Path]:
    """The pages there are in the folders of which every page is generated."""
    return [path for folder in ("rules", "frameworks") for path in (DOCS / folder).glob("*.md")]


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def write() -> None:
    """Write every page, and take away those of what is gone."""
    wanted = dict(pages())
    for path in _generated():
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        write()
        return 0
    wrong = stale()
    for name in wrong:
        print(f"{name} is out of date: run `make generate`")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
