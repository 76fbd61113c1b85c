"""Records what is reported of the public threads: ``tests/data/threads/reported.json``.

    python tools/thread_table.py
    python tools/thread_table.py --kinds   # the table of docs/accuracy.md, and what is missed
    python tools/thread_table.py --unseen  # the same of tests/data/unseen

It refuses while a true reason that was reported is not reported any more: recall can only go up. A
finding that is new and names the true reason is entered under ``true`` by hand.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from thread_cases import TABLE, Recorded, recorded, threads
from unseen_cases import unseen


def kinds() -> int:
    """Print how many threads are reported with the true reason, by what went wrong."""
    counts: dict[str, list[int]] = {}
    missed: dict[str, list[str]] = {}
    table = recorded()
    for thread in threads():
        if not thread.decidable:
            continue
        one = counts.setdefault(thread.kind, [0, 0, 0])
        true = bool(table[thread.file].true)
        for place, holds in enumerate((True, thread.at_first, true)):
            one[place] += holds
        if not true:
            missed.setdefault(thread.kind, []).append(thread.name)
    print("| what went wrong | threads | version 0.1 | now | missed |\n|---|---:|---:|---:|---|")
    for kind, row in sorted(counts.items()):
        print(f"| {kind} | {row[0]} | {row[1]} | {row[2]} | {', '.join(missed.get(kind, []))} |")
    totals = [sum(row[place] for row in counts.values()) for place in range(3)]
    print(f"| **all** | {totals[0]} | {totals[1]} | {totals[2]} | |")
    return 0


def unseen_kinds() -> int:
    """Print, for each set that nobody had seen, what was reported at first and is now."""
    sets = sorted({f"{one.set} {one.id[0]}" for one in unseen()})
    for name in sets:
        rows = [one for one in unseen() if f"{one.set} {one.id[0]}" == name]
        print(f"| {name} | threads | at first | now | missed |\n|---|---:|---:|---:|---|")
        for kind in [*sorted({one.kind for one in rows}), ""]:
            those = [one for one in rows if kind in ("", one.kind)]
            first = sum(one.first == "true" for one in those)
            missed = ", ".join(one.id for one in those if not one.codes and kind)
            now = sum(bool(one.codes) for one in those)
            print(f"| {kind or '**all**'} | {len(those)} | {first} | {now} | {missed} |")
        print()
    return 0


def main() -> int:
    """Lint all, compare, write."""
    if "--kinds" in sys.argv:
        return kinds()
    if "--unseen" in sys.argv:
        return unseen_kinds()
    before = recorded() if TABLE.exists() else {}
    now: dict[str, Recorded] = {}
    lost = []
    with tempfile.TemporaryDirectory() as folder:
        for thread in threads():
            reported = thread.reported(Path(folder))
            old = before.get(thread.file, Recorded([], []))
            lost += [f"{thread.file}: {code}" for code in old.lost(reported)]
            now[thread.file] = Recorded(reported, old.true)
            if reported != old.reported:
                print(f"{thread.file}: {', '.join(old.reported)} -> {', '.join(reported)}")
    if lost:
        print("true reasons that are lost:", *lost, sep="\n  ", file=sys.stderr)
        return 1
    rows = [f"{json.dumps(file)}: {json.dumps(row._asdict())}" for file, row in now.items()]
    TABLE.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    decidable = sum(thread.decidable for thread in threads())
    print(f"{sum(bool(row.true) for row in now.values())} of {decidable} with the true reason")
    return 0


if __name__ == "__main__":
    sys.exit(main())
