"""``report.html``: what happened, on one page that needs nothing else to be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from lora_launch.pages.charts import Band, Line, Point, chart
from lora_launch.pages.style import STYLE
from lora_launch.plan.plan import size
from lora_launch.run.folder import Folder, read_json, read_lines
from lora_launch.run.progress import clock

Record = Mapping[str, Any]
Entries = Sequence[Mapping[str, Any]]


def write(folder: Folder) -> None:
    """Write a run's report from its record."""
    record = read_json(folder.record) or {}
    samples = (read_json(folder.samples) or {}).get("samples", [])
    page = render(record, read_lines(folder.metrics), samples)
    with open(folder.report, "w", encoding="utf-8") as file:
        file.write(page)


def render(record: Record, entries: Entries, samples: Entries) -> str:
    """The page."""
    body = "".join(
        [
            _head(record),
            _curves(record, entries),
            _samples(samples),
            _gate(record["gate"]),
            _events(record),
            _table("Plan", _plan(record["plan"])),
            _section("Configuration", f"<pre>{escape(record['configuration']['text'])}</pre>"),
            _table("Made with", _made_with(record)),
        ]
    )
    title = escape(f"{record['name']}: {record['status']}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def _head(record: Record) -> str:
    outcome = record.get("outcome", {})
    words = {"done": "finished", "interrupted": "interrupted and saved", "failed": "failed"}
    facts = [words.get(str(record["status"]), str(record["status"]))]
    if outcome.get("step") is not None:
        facts.append(f"{outcome['step']:,} steps")
    seconds = sum(each.get("seconds", 0) for each in record["attempts"])
    facts += [clock(seconds)] if seconds else []
    loss = outcome.get("final", {}).get("final_loss")
    facts += [f"evaluation loss {loss:.4f}"] if loss is not None else []
    told = f'<p class="bad">{escape(outcome["message"])}</p>' if outcome.get("message") else ""
    return f"<h1>{escape(record['name'])}</h1><p>{escape(' · '.join(facts))}</p>{told}"


def points(entries: Entries, name: str) -> list[Point]:
    """A logged value over the steps."""
    return [
        (float(entry["step"]), float(entry[name]))
        for entry in entries
        if isinstance(entry.get(name), int | float | str) and _is_number(entry[name])
    ]


def _is_number(value: object) -> bool:
    try:
        return float(str(value)) == float(str(value))
    except ValueError:
        return False


def throughput(entries: Entries) -> list[Point]:
    """Tokens a second between one log and the next; a resumed run's clock begins anew."""
    logs = [entry for entry in entries if "num_tokens" in entry and "loss" in entry]
    found = []
    for before, now in pairwise(logs):
        seconds = now["seconds"] - before["seconds"]
        if seconds > 0:
            speed = (now["num_tokens"] - before["num_tokens"]) / seconds
            found.append((float(now["step"]), speed))
    return found


def _curves(record: Record, entries: Entries) -> str:
    peak = record["plan"].get("peak")
    measured = points(entries, "memory")
    on_gpu = not record["plan"]["devices"].startswith("the CPU")
    band = Band("forecast", peak["low"], peak["high"]) if peak and on_gpu else None
    place = "GPU memory, allocated" if on_gpu else "Memory of the process"
    drawn = [
        chart(
            "Loss",
            [
                Line("training", points(entries, "loss")),
                Line("evaluation", points(entries, "eval_loss"), "b", dots=True),
            ],
        ),
        chart("Learning rate", [Line("", points(entries, "learning_rate"))], unit=_short),
        chart(
            "Tokens a second",
            [Line("", throughput(entries))],
            unit=lambda value: f"{value:,.0f}",
            zero=True,
        ),
        chart(place, [Line("measured", measured)], unit=size, band=band, zero=True, binary=True),
    ]
    return f'<div class="charts">{"".join(drawn)}</div>'


def _short(value: float) -> str:
    return f"{value:.1e}".replace("e-0", "e-") if value else "0"


def _samples(samples: Entries) -> str:
    if not samples:
        return ""
    rows = "".join(
        f"<tr><td>{escape(str(each['shown']))}</td><td>{escape(str(each['expected']))}</td>"
        f"<td>{escape(str(each.get('before', '')))}</td>"
        f"<td>{escape(str(each.get('after', '')))}</td></tr>"
        for each in samples
    )
    head = "<tr><th>asked</th><th>in the data</th><th>before</th><th>after</th></tr>"
    return _section("Samples, greedy", f"<table>{head}{rows}</table>")


def _gate(gate: Record) -> str:
    allowed = {each["code"] for each in gate["allowed"]}
    rows = "".join(
        f"<tr><td>{escape(each['severity'])}</td><td>{escape(each['code'])} {escape(each['name'])}"
        f"</td><td>line {each['line']}: {escape(each['message'])}{_waved(each, allowed)}</td></tr>"
        for each in gate["findings"]
    )
    text = f"<table>{rows}</table>" if rows else "<p>Nothing of warning or above.</p>"
    return _section("Linted", text)


def _waved(finding: Record, allowed: set[str]) -> str:
    if finding["code"] in allowed:
        return " (waved through by --allow)"
    return " (suppressed in the file)" if finding["suppressed"] is not None else ""


def _events(record: Record) -> str:
    rows = [
        f"{each['started']}: from step {each['from_step']}, micro batch {each['micro_batch']}:"
        f" {each.get('outcome', 'not ended')}"
        for each in record["attempts"]
    ]
    rows += [
        f"{each['at']}: out of memory; micro batch {each['per_device_train_batch_size']},"
        f" accumulation {each['gradient_accumulation_steps']} from there on"
        for each in record["adjustments"]
    ]
    items = "".join(f"<li>{escape(row)}</li>" for row in sorted(rows))
    return _section("Attempts", f"<ul>{items}</ul>")


def _plan(plan: Record) -> Iterator[tuple[str, str]]:
    yield "model", str(plan["model"])
    yield "method", str(plan["method"])
    yield "devices", f"{plan['devices']}, {plan['strategy']}"
    batches = plan["batches"]
    yield (
        "global batch",
        f"{batches['micro']} x {batches['accumulation']} x {batches['devices']}"
        f" = {plan['global_batch']}",
    )
    for name in ("rows", "steps", "warmup", "parameters", "trained"):
        if plan.get(name) is not None:
            yield name, f"{plan[name]:,}"
    peak = plan.get("peak")
    if peak:
        yield (
            "memory foretold",
            f"{size(peak['allocated'])} ({size(peak['low'])} to {size(peak['high'])})",
        )
    for name, why in plan["unknown"].items():
        yield f"{name} not known", why


def _made_with(record: Record) -> Iterator[tuple[str, str]]:
    yield "hash", record["hash"]
    for name, found in record["versions"].items():
        if found:
            yield name, found
    git = record.get("git")
    if git:
        yield "git", f"{git['commit'][:12]}{', with changes' if git['changed'] else ''}"
    yield "host", f"{record['host']['name']}, {record['host']['system']}"
    yield "started", record["started"]
    yield "ended", str(record.get("ended", ""))


def _table(title: str, rows: Iterator[tuple[str, str]]) -> str:
    told = "".join(f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows)
    return _section(title, f"<table>{told}</table>")


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>{content}"
