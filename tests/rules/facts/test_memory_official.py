"""How many of the official recipes get a forecast, and what is said of the others."""

from __future__ import annotations

from collections import Counter

import pytest

import official_recipes
from lora_lint.engine.check import check, recipes_of
from lora_lint.engine.config import Config
from lora_lint.report.memory_outlook import Told, tell
from lora_lint.sources.discover import load
from lora_lint.sources.source import Source

pytestmark = official_recipes.mark


def sources() -> list[Source]:
    found = (load(str(path)) for path in official_recipes.recipes().paths)
    return [source for source in found if source is not None]


def told(**declared: object) -> list[Told]:
    return [tell(one) for each in sources() for one in recipes_of(each, Config(), declared)]


def test_every_recipe_has_a_forecast_or_a_reason() -> None:
    found = told()
    assert len(found) == len(official_recipes.recipes().paths)
    assert all(bool(each.forecasts) != bool(each.unknown) for each in found)
    if official_recipes.recipes().complete:
        assert sum(bool(each.forecasts) for each in found) >= 49


def test_with_a_length_and_a_number_of_gpus_torchtune_s_have_one() -> None:
    official_recipes.all_of_them()
    by_dialect = Counter(
        each.recipe.dialect for each in told(max_length=2048, gpu_count=8) if each.forecasts
    )
    assert by_dialect["torchtune"] >= 85
    assert by_dialect["axolotl"] >= 43


def test_forecasts_add_up_and_lie_in_their_bands() -> None:
    for each in told(max_length=2048, gpu_count=8):
        for found in each.forecasts:
            numbers = found.forecast
            assert sum(numbers.parts.values()) == pytest.approx(numbers.allocated)
            assert min(numbers.parts.values()) > 0
            assert numbers.band.low < numbers.allocated < numbers.band.high
            assert numbers.allocated <= numbers.reserved < numbers.process


@pytest.mark.parametrize("gpu", ["24 GB", "80 GB"])
def test_no_error_about_memory_where_the_model_is_shared_or_elsewhere(gpu: str) -> None:
    for source in sources():
        report = check(source, Config(), {"gpu": gpu})
        wrong = {each.code for each in report.findings} & {"LL601", "LL602"}
        if wrong:
            assert not any(
                word in source.text for word in ("use_kt", "fsdp_config:", "expert_parallel")
            )
