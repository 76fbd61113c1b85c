"""A rule or fact that asks for what there is not is refused, with the nearest name."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from lora_rules.engine import facts, registry
from lora_rules.engine.askable import complaint, complaints, is_setting
from lora_rules.engine.facts import ASKS, FACTS
from lora_rules.engine.registry import RegistrationError, fact
from lora_rules.engine.unindexed import missing_from_index

sys.path.insert(0, str(ROOT / "tools"))
import build_rule_index


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    before = dict(facts.registered)
    yield
    facts.registered.clear()
    facts.registered.update(before)


def asks(text: str) -> Callable[..., object]:
    """A function with some parameters."""
    scope: dict[str, Callable[..., object]] = {}
    exec(f"def asked({text}): ...", scope)  # noqa: S102  # the text is ours
    function = scope["asked"]
    function.__annotations__ = {
        name: kind.strip("'") for name, kind in function.__annotations__.items()
    }
    return function


def test_ours_ask_for_nothing_that_there_is_not() -> None:
    assert build_rule_index.complaints() == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            "lora_alhpa: 'float'",
            "lora_alhpa, which is no setting, fact or view; did you",
        ),
        ("lora_alhpa: 'float' = 1.0", "did you mean lora_alpha?"),
        ("dataset_row: 'object'", "did you mean dataset_rows?"),
        ("outlin: 'object'", "did you mean outline?"),
        ("dataloader_pin_memry: 'bool'", "did you mean dataloader_pin_memory?"),
        ("xyzzy: 'int'", "no setting, fact or view; `lora-lint show FILE` lists a file's settings"),
        ("r: 'itn'", "it asks for r as itn, which is no type of a setting"),
        ("lora_alpha: 'str | None'", "lora_alpha as str | None, but its type is float"),
        ("r: 'int', alhpa_pattern: 'object'", "did you mean alpha_pattern?"),
    ],
)
def test_a_parameter_that_names_nothing(parameters: str, said: str) -> None:
    assert said in " ".join(complaints(asks(parameters)))


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "r: 'int', lora_alpha: 'float', rank_pattern: 'dict[str, object] | None' = None",
        "outline: 'Outline', targeted: 'Targeted', program: 'Program'",
        "optim: 'Setting', dataloader_pin_memory: 'bool' = True, gpu_count: 'int' = 1",
        "r, *, lora_alhpa: 'float' = 2.0",
        "unused_suppression: 'tuple[str, Span]'",
    ],
)
def test_a_parameter_that_is_there(parameters: str) -> None:
    assert complaint(asks(parameters)) == ""


def test_the_place_is_named() -> None:
    def wrong(lora_alhpa: float) -> float:
        return lora_alhpa

    line = wrong.__code__.co_firstlineno
    assert complaint(wrong).endswith(f"test_askable.py, line {line})")


def test_what_a_fact_cannot_be_known_without_is_a_setting() -> None:
    assert set(ASKS) <= set(FACTS)
    assert all(is_setting(name) for names in ASKS.values() for name in names)


class TestFacts:
    def test_it_is_found_by_its_name(self) -> None:
        @fact
        def house_rank(r: int) -> int:
            return r * 2

        assert facts.find_fact("house_rank") is house_rank
        assert complaint(asks("house_rank: 'int'")) == ""

    @pytest.mark.parametrize("name", ["dataset_rows", "outline", "r", "logging_steps", "blocks"])
    def test_a_name_is_given_once(self, name: str) -> None:
        def made() -> int:
            return 1

        made.__name__ = name
        with pytest.raises(RegistrationError, match=f"fact {name}: that name is taken"):
            fact(made)

    def test_it_asks_for_what_there_is(self) -> None:
        with pytest.raises(RegistrationError, match="did you mean lora_dropout") as refused:

            @fact
            def house_dropout(lora_droput: float) -> float:
                return lora_droput

        assert str(refused.value).startswith("fact house_dropout: it asks for lora_droput, which")
        assert facts.find_fact("house_dropout") is None


class TestIndex:
    def test_ours_is_whole(self) -> None:
        assert missing_from_index() == ()

    def test_a_rule_that_is_missing_is_named(self, tmp_path: Path) -> None:
        checks = tmp_path / "checks"
        (checks / "adapter").mkdir(parents=True)
        for name in ("ll107_fractional_alpha.py", "ll101_zero_or_negative_alpha.py", "task.py"):
            (checks / "adapter" / name).write_text("")
        sentence = (
            "LL107 fractional-alpha in checks/adapter/ll107_fractional_alpha.py is not in the "
            "index: run make generate"
        )
        assert missing_from_index(folder=str(checks)) == (sentence,)
        assert missing_from_index("ll107", str(checks)) == (sentence,)
        assert missing_from_index("fractional_alpha", str(checks)) == (sentence,)
        assert missing_from_index("LL106", str(checks)) == ()

    def test_a_rule_of_ours_with_a_misspelt_parameter_stops_the_index(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rule = next(iter(registry.imported_rules().values()))
        wrong = rule._replace(check=asks("lora_alhpa: 'float'"))  # type: ignore[arg-type]
        monkeypatch.setattr(build_rule_index, "imported_rules", lambda: {rule.code: wrong})
        with pytest.raises(SystemExit, match=f"{rule.code} {rule.name}: it asks for lora_alhpa"):
            build_rule_index.index()

    def test_a_rule_that_cannot_be_registered_stops_the_index(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def imported() -> dict[str, object]:
            raise RegistrationError("LL107 fractional-alpha: a rule needs evidence")

        monkeypatch.setattr(build_rule_index, "imported_rules", imported)
        with pytest.raises(SystemExit, match="LL107 fractional-alpha: a rule needs evidence"):
            build_rule_index.index()


def test_no_rule_or_fact_of_ours_takes_the_whole_recipe() -> None:
    folders = [ROOT / "rules" / "lora_rules" / name for name in ("checks", "facts")]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    taking = {
        f"{file.name}: {node.name}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        for argument in node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        if argument.annotation is not None and "Recipe" in ast.unparse(argument.annotation)
    }
    assert files
    assert taking == set()
