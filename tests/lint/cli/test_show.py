from __future__ import annotations

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from lora_lint.cli.show import segments, show
from lora_lint.report import terminal
from lora_rules.recipe import Choice, Origin, Recipe, Setting, Span
from report_samples import RECIPES, golden
from report_strategies import values


def shown(form: str = "text", recipes: tuple[Recipe, ...] = RECIPES) -> str:
    stream = io.StringIO()
    show(recipes, form, stream)
    return stream.getvalue()


def test_show_is_as_it_was():
    golden("show.txt", shown())


def test_show_json_is_as_it_was():
    text = shown("json")
    golden("show.json", text)
    read = json.loads(text)
    assert read["version"] == 1
    first = read["recipes"][0]
    assert {"path", "line", "cell", "dialect", "callee", "settings"} <= set(first)
    assert first["settings"]["r"]["candidates"] == [8, 16]
    assert first["settings"]["r"]["line"] == 3


def test_values_that_belong_together_are_shown_in_one_order():
    passes = ((Choice("4:1", 0),), (Choice("4:1", 1),))
    r = Setting("r", (4, 128), Origin.WRITTEN, "r", choices=passes)
    alpha = Setting("lora_alpha", (256, 8), Origin.WRITTEN, "lora_alpha", choices=passes[::-1])
    targets = Setting(
        "target_modules", (), Origin.WRITTEN, "target_modules", reason="why", elements=("q_proj",)
    )
    named = {each.name: each for each in (r, alpha, targets)}
    recipe = Recipe("f.py", "python", "peft", Span(1, 1, 1, 1), named)
    text = " ".join(shown(recipes=(recipe,)).split())
    assert "r 4 | 128 - written; one of 2 lora_alpha 8 | 256 - written; one of 2 (with r)" in text
    assert "target_modules unknown - written; why; it has 'q_proj'" in text
    settings = json.loads(shown("json", (recipe,)))["recipes"][0]["settings"]
    assert settings["lora_alpha"]["choices"] == [
        [{"point": "4:1", "arm": 1}],
        [{"point": "4:1", "arm": 0}],
    ]
    assert settings["target_modules"]["elements"] == ["q_proj"]


def test_nothing_to_show():
    assert shown(recipes=()) == "No LoRA recipe here.\n"


settings = st.builds(
    Setting,
    st.sampled_from(["r", "lora_alpha", "名", "gpu", "learning_rate", "load_in_4bit", "dataset"]),
    st.lists(values, max_size=3).map(tuple),
    st.sampled_from(Origin),
    st.text(max_size=6),
    st.none() | st.just(Span(2, 3, 2, 4, 1)),
    overridable=st.booleans(),
    source=st.text(max_size=5),
    reason=st.text(max_size=5),
    choices=st.just(()),
)


@given(st.lists(settings, max_size=6))
def test_any_recipe_can_be_shown_with_aligned_columns(given_settings):
    by_name = {setting.name: setting for setting in given_settings}
    recipe = Recipe("f.py", "python", "peft", Span(1, 1, 1, 1), by_name)
    text = terminal.plain(segments([recipe]))
    assert all(char == "\n" or ord(char) >= 32 for char in text)
    json.loads(shown("json", (recipe,)))
