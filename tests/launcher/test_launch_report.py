"""The report's page: what it draws, what it says, and that it needs nothing else."""

from __future__ import annotations

import html
import json
import math
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

import png
from lora_launch.cli import main
from lora_launch.pages import charts, report
from lora_launch.run.progress import Progress, clock

RECORD = {
    "name": "tickets <b>",
    "status": "done",
    "hash": "0123",
    "started": "2026-01-01T00:00:00+00:00",
    "ended": "2026-01-01T00:01:00+00:00",
    "gate": {
        "findings": [
            {
                "code": "LL102",
                "name": "alpha-rank-ratio-out-of-range",
                "severity": "warning",
                "line": 7,
                "message": "lora_alpha / r = 6 < 7 & so on",
                "suppressed": None,
            }
        ],
        "allowed": [{"code": "LL102"}],
    },
    "plan": {
        "model": "org/model",
        "method": "LoRA r=8",
        "devices": "GeForce RTX 4090",
        "strategy": "none",
        "batches": {"micro": 4, "accumulation": 2, "devices": 1},
        "global_batch": 8,
        "steps": 30,
        "peak": {"allocated": 10 * 2**30, "low": 9 * 2**30, "high": 11 * 2**30},
        "unknown": {"rows": "it is on the hub"},
    },
    "attempts": [
        {
            "started": "2026-01-01T00:00:00+00:00",
            "from_step": 0,
            "micro_batch": 8,
            "outcome": "oom",
            "seconds": 20,
        }
    ],
    "adjustments": [
        {
            "at": "2026-01-01T00:00:20+00:00",
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 2,
        }
    ],
    "configuration": {"path": "x.yaml", "text": "lora: {r: 8}  # <script>"},
    "versions": {"torch": "2.13.0", "deepspeed": None},
    "git": {"commit": "0123456789abcdef", "changed": True},
    "host": {"name": "host", "system": "Linux"},
    "outcome": {"status": "done", "step": 30, "final": {"final_loss": 1.25}},
}
ENTRIES = [
    {
        "step": step,
        "loss": 3.0 / step,
        "learning_rate": 1e-4,
        "num_tokens": 100.0 * step,
        "seconds": 2.0 * step,
        "memory": 10 * 2**30,
    }
    for step in range(1, 31)
] + [{"step": 30, "eval_loss": 1.25, "seconds": 61.0, "memory": 10 * 2**30}]
SAMPLES = [{"shown": "Where?", "expected": "Here", "before": "<eos>", "after": "Here"}]


class Page(HTMLParser):
    """Its text, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


def page() -> str:
    return report.render(RECORD, ENTRIES, SAMPLES)


def test_it_says_what_happened():
    read = Page(page())
    assert read.open == []
    told = " ".join(" ".join(read.words).split())
    for part in (
        "tickets <b>",
        "finished · 30 steps · 0:20 · evaluation loss 1.2500",
        "line 7: lora_alpha / r = 6 < 7 & so on (waved through by --allow)",
        "out of memory; micro batch 4, accumulation 2 from there on",
        "4 x 2 x 1 = 8",
        "10.0 GiB (9.0 GiB to 11.0 GiB)",
        "rows not known it is on the hub",
        "# <script>",
        "0123456789ab, with changes",
        "Where? Here <eos> Here",
    ):
        assert part in told


def test_it_is_self_contained():
    assert not re.search(r"(?:src|href|url)\s*[=(]|<script|https?:", page())


def test_it_draws_four_curves_and_the_forecast():
    text = page()
    assert text.count("<svg") == 4
    assert text.count('class="line') == 5
    assert text.count('<rect class="band"') == 1
    assert ">10.0 GiB</text>" in text


@pytest.fixture(scope="module")
def browser() -> str:
    """Chromium; `.ci/run` installs it."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None and "LORA_LINT_CI" not in os.environ:
        pytest.skip("no Chromium here")
    assert found, "Chromium is missing: .ci/run should have installed it"
    return found


def visit(browser: str, path: Path, *flags: str) -> str:
    """Open a page in a window of 1100 x 900, with nothing else to see."""
    common = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    profile = f"--user-data-dir={path.parent / 'profile'}"
    done = subprocess.run(
        [browser, *common, profile, "--window-size=1100,900", *flags, path.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


MEASURE = """<script>document.title = JSON.stringify([document.body.innerText,
    [...document.querySelectorAll("figure")].map(each => {
        const box = each.getBoundingClientRect(), line = each.querySelector("path.line");
        const drawn = line.getBoundingClientRect();
        return [box.left, box.top, box.right, drawn.width / box.width, drawn.left >= box.left
            && drawn.right <= box.right && drawn.top >= box.top && drawn.bottom <= box.bottom,
            getComputedStyle(line).stroke, box.bottom]; })])</script>"""
BLUE = (37, 99, 235)
BAND = (246, 227, 219)
"""The forecast's colour, on white."""


@pytest.mark.slow
def test_a_browser_draws_the_curves_side_by_side(browser, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(page().replace("</body>", f"{MEASURE}</body>"))
    dumped = visit(browser, path, "--dump-dom")
    text, found = json.loads(html.unescape(re.search("<title>(.*?)</title>", dumped, re.S)[1]))
    for part in ("tickets <b>", "evaluation loss 1.2500", "4 x 2 x 1 = 8", "Where?"):
        assert part in text
    assert len(found) == 4
    lefts, tops = [round(each[0]) for each in found], [round(each[1]) for each in found]
    assert lefts[0] == lefts[2] < lefts[1] == lefts[3]
    assert tops[0] == tops[1] < tops[2] == tops[3]
    assert max(each[2] for each in found) <= 1100
    assert all(share > 0.7 and inside for *_, share, inside, _, _ in found)
    assert {each[5] for each in found} == {f"rgb{BLUE}"}


@pytest.mark.slow
def test_a_screenshot_shows_the_curves_and_the_words(browser, tmp_path):
    path, shot = tmp_path / "report.html", tmp_path / "shot.png"
    path.write_text(page().replace("</body>", f"{MEASURE}</body>"))
    dumped = visit(browser, path, "--dump-dom")
    _, figures = json.loads(html.unescape(re.search("<title>(.*?)</title>", dumped, re.S)[1]))
    visit(browser, path, f"--screenshot={shot}")
    pixels = png.read(shot)
    assert (len(pixels[0]), len(pixels)) == (1100, 900)
    for left, top, right, *_, bottom in figures:
        assert bottom < 900
        columns = range(round(left), round(right))
        rows = pixels[round(top) : round(bottom)]
        blue = [x for x in columns if any(row[x][2] - row[x][0] > 60 for row in rows)]
        assert len(blue) > 0.6 * len(columns)
    assert sum(row.count(BAND) for row in pixels) > 1000
    above = pixels[: round(figures[0][1])]
    inked = [row for row in above if sum(max(each) < 100 for each in row) > 5]
    assert len(inked) > 10  # the heading


def test_throughput_is_tokens_between_two_logs():
    found = report.throughput(ENTRIES)
    assert found[0] == (2.0, 50.0)
    assert {speed for _, speed in found} == {50.0}
    resumed = [*ENTRIES[:3], {**ENTRIES[3], "seconds": 0.5}]
    assert len(report.throughput(resumed)) == 2


def test_what_is_no_number_is_not_drawn():
    entries = [{"step": 1, "loss": math.nan}, {"step": 2, "loss": "1.5"}, {"step": 3}]
    assert report.points(entries, "loss") == [(2.0, 1.5)]
    assert charts.chart("empty", [charts.Line("", [])]) == ""


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0.9, 4.1, [1, 2, 3, 4]), (0, 1e-4, None), (5, 5.001, None)],
)
def test_ticks_are_round_and_inside(low, high, wanted):
    found = charts.ticks(low, high)
    assert 2 <= len(found) <= 7
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
    assert wanted is None or found == pytest.approx(wanted)


def test_the_command_writes_it_again(tmp_path, capsys):
    (tmp_path / "run.json").write_text(json.dumps(RECORD))
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(e) + "\n" for e in ENTRIES) + "{cut")
    assert main(["report", str(tmp_path)]) == 0
    assert "evaluation loss 1.2500" in (tmp_path / "report.html").read_text()
    assert main(["report", str(tmp_path / "nothing")]) == 2
    assert "holds no run.json" in capsys.readouterr().err


class Stream:
    """Somewhere to write, that may be a terminal."""

    def __init__(self, terminal: bool) -> None:
        self.terminal, self.text = terminal, ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_plain_lines_but_for_a_terminal(terminal):
    stream = Stream(terminal)
    progress = Progress(stream)
    progress.begin(0, 20)
    progress.tell(10, {"loss": 2.5, "num_tokens": 1000.0}, 3 * 2**30, 1.0)
    progress.tell(20, {"eval_loss": 1.5}, 3 * 2**30, 2.0)
    progress.end()
    assert "step 10/20  loss 2.5000  " in stream.text
    assert "tokens/s  3.0 GiB  0:00 left" in stream.text
    assert "step 20/20  evaluation loss 1.5000\n" in stream.text
    assert ("\r" in stream.text) is terminal


def test_clock():
    assert [clock(each) for each in (7.4, 760, 11_100)] == ["0:07", "12:40", "3:05:00"]
