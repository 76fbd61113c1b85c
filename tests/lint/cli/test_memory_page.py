"""``lora-lint memory``: the GPUs with a change, the page, and what the command line adds."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_memory_command import recipes, written

from lora_lint.cli.main import main
from lora_lint.cli.memory import memory
from lora_lint.pages.memory_html import html
from lora_lint.pages.memory_svg import COLOURS, every_part
from lora_lint.report.memory_outlook import all_gpus, tell, with_a_change
from lora_rules.facts.memory.gpu import find_gpu
from memory_recipes import AXOLOTL, FACTORY, TRL, TUNE

VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Collects tags and words, and complains about what is not closed."""

    def __init__(self) -> None:
        """Nothing is open."""
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, and what it would fetch."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID and tag not in ("rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Take the tag off."""
        if tag not in ("rect", "path"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the words."""
        self.words.append(data)


def page(text: str, **declared: object) -> Balanced:
    found = Balanced()
    found.feed(html([tell(each) for each in recipes(text, **declared)]))
    found.close()
    assert not found.open
    return found


def test_the_page_stands_alone_and_is_well_formed() -> None:
    found = page(FACTORY, gpu="RTX 4080")
    assert "script" not in found.tags
    assert not found.links
    assert found.tags.count("svg") == 1
    text = " ".join(found.words)
    assert "prefers-color-scheme: dark" in text
    assert "What would help, cheapest first" in text
    assert all(gpu.name in text for gpu in all_gpus())


def test_every_moment_s_bar_is_as_long_as_its_parts() -> None:
    (recipe,) = recipes(FACTORY)
    (found,) = tell(recipe).forecasts
    drawn = html([tell(recipe)])
    rows: dict[str, float] = {}
    for wide, y in re.findall(r'<rect class="c\d+" x="[\d.]+" y="(\d+)" width="([\d.]+)"', drawn):
        rows[wide] = rows.get(wide, 0.0) + float(y)
    peaks = [found.forecast.peak(name) for name in found.forecast.moments]
    lengths = list(rows.values())
    assert len(lengths) == len(peaks)
    for length, peak in zip(lengths, peaks, strict=True):
        assert length / lengths[0] == pytest.approx(peak / peaks[0], rel=0.02)
    assert len(every_part(found.forecast)) <= len(COLOURS)


def test_parts_that_are_there_all_the_time_and_more_at_one_moment_add_up() -> None:
    text = TRL.replace("lora_r: 16", "lora_r: 512") + "optim: adamw_torch\n"
    (found,) = tell(recipes(text + "gradient_accumulation_steps: 4\n")[0]).forecasts
    for moment in found.forecast.moments:
        whole = sum(found.forecast.at(moment).values())
        assert whole == pytest.approx(found.forecast.peak(moment))


def test_what_a_file_says_cannot_write_into_the_page() -> None:
    text = FACTORY.replace("meta-llama/Llama-3.1-8B", "'<script>alert(1)</script>'")
    found = page(text)
    assert "script" not in found.tags
    assert "<script>" in "".join(found.words)


def test_a_page_of_what_cannot_be_told_says_why_and_what_is_certain() -> None:
    text = " ".join(page(FACTORY + "use_megatron_bridge: true\n").words)
    assert "Megatron" in text
    assert "at least" in text
    assert "15.0 GiB" in text


def test_a_page_without_recipes() -> None:
    assert "No LoRA recipe here." in html([])


def test_every_other_card_has_the_cheapest_change_that_fits() -> None:
    (recipe,) = recipes(FACTORY)
    (found,) = tell(recipe).forecasts
    changes = with_a_change(found)
    assert "H200" not in changes
    assert "Tesla T4" not in changes  # no bfloat16
    made = changes["GeForce RTX 4090"]
    assert made is not None
    assert made.fits
    gpu = find_gpu("RTX 4090")
    assert made.plan.on(gpu).allocated == made.forecast.allocated


def test_text_and_json_name_the_same_changes() -> None:
    document = json.loads(written(FACTORY, "json"))["recipes"][0]["forecasts"][0]
    text = written(FACTORY)
    assert "GPUs that it fits with one change, or the fewest" in text
    for name, change in document["gpus_with_a_change"].items():
        assert name in document["gpus"]["tight"] + document["gpus"]["no"]
        assert change is None or change["what"] in text


def test_several_gpus_are_told_as_one_of_them() -> None:
    text = written(AXOLOTL + "fsdp: [full_shard]\n", gpu_count=4)
    assert "on each of 4 GPUs (FSDP)" in text
    found = json.loads(written(AXOLOTL, "json", gpu_count=2))["recipes"][0]["forecasts"][0]
    assert found["sharding"] == {"strategy": "ddp", "gpus": 2}


def test_the_band_says_where_it_is_from() -> None:
    assert "The band is that of 37 runs" in written(FACTORY)


def test_a_length_can_be_given_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tune.yaml").write_text(TUNE.replace("max_seq_len: 2048", "max_seq_len: null"))
    assert main(["memory", str(tmp_path / "tune.yaml")]) == 0
    assert "--max-length says how long" in capsys.readouterr().out
    assert main(["memory", "--max-length", "1024", str(tmp_path / "tune.yaml")]) == 0
    assert "2 x 1024 tokens" in capsys.readouterr().out


def test_no_length_is_below_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tune.yaml").write_text(TUNE)
    assert main(["memory", "--max-length", "0", str(tmp_path / "tune.yaml")]) == 2
    assert "--max-length must be at least 1" in capsys.readouterr().err


def test_the_page_is_written_beside_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.yaml").write_text(FACTORY)
    out = tmp_path / "page.html"
    assert main(["memory", "--html", str(out), str(tmp_path / "train.yaml")]) == 0
    assert out.read_text().startswith("<!doctype html>")
    assert "GiB" in capsys.readouterr().out


def test_a_page_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.yaml").write_text(FACTORY)
    missing = tmp_path / "nowhere" / "page.html"
    assert main(["memory", "--html", str(missing), str(tmp_path / "train.yaml")]) == 2
    assert f"{missing}: No such file or directory" in capsys.readouterr().err


def test_the_page_is_the_same_through_memory(tmp_path: Path) -> None:
    found = recipes(FACTORY)
    memory(found, "text", io.StringIO(), str(tmp_path / "a.html"))
    assert (tmp_path / "a.html").read_text() == html([tell(each) for each in found])
