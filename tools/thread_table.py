"""Records what is reported of the public threads: ``tests/data/threads/reported.json``.

    python tools/thread_table.py

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


def main() -> int:
    """Lint all, compare, write."""
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
