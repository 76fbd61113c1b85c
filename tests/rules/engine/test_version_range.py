"""What a range of versions answers, against ``packaging`` and by example."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from lora_rules.engine.version_range import (
    ANY,
    COMMIT,
    Specifier,
    VersionRange,
    compare,
    exactly,
    satisfiable,
    union,
)


def of(text: str) -> VersionRange:
    """The range of specifiers such as ``>=4.30,<5``; several behind ``|``."""
    return VersionRange(
        tuple(
            tuple(
                Specifier(each.operator, each.version)
                for each in sorted(SpecifierSet(part), key=str)
            )
            for part in text.split("|")
        )
    )


NUMBERS = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda n: ".".join(map(str, n)))
SUFFIXES = st.sampled_from(["", "", "", "", "a1", "rc1", "rc2", ".post1", ".dev0"])
VERSIONS = st.builds(lambda numbers, suffix: numbers + suffix, NUMBERS, SUFFIXES)
SPECIFIERS = st.one_of(
    st.builds(lambda o, v: o + v, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), VERSIONS),
    st.builds(lambda o, v: f"{o}{v}.*", st.sampled_from(["==", "!="]), NUMBERS),
    st.builds(lambda v, last: f"~={v}.{last}", NUMBERS, st.integers(0, 3)),
)
SETS = st.lists(SPECIFIERS, min_size=1, max_size=3).map(",".join)


@given(SETS, VERSIONS)
def test_it_contains_what_packaging_says_that_it_contains(text: str, version: str) -> None:
    assert of(text).contains(version) == SpecifierSet(text).contains(version)


@given(VERSIONS, VERSIONS)
def test_versions_are_ordered_as_packaging_orders_them(one: str, other: str) -> None:
    first, second = Version(one), Version(other)
    assert compare(one, other) == (first > second) - (first < second)


@given(SETS, VERSIONS, VERSIONS)
def test_what_is_certain_holds_for_every_version(text: str, bound: str, version: str) -> None:
    allowed = of(text)
    if not SpecifierSet(text).contains(version):
        return
    if ".*" in text and Version(version).is_prerelease:
        return  # packaging counts 5.0rc1 as ==5.*, which nobody means who writes that
    below = Version(version) < Version(bound)
    assert below or not allowed.certainly_below(bound)
    assert not below or not allowed.certainly_at_least(bound)
    assert not below or allowed.possibly_below(bound)
    assert Version(version) <= Version(bound) or not allowed.certainly_at_most(bound)
    assert allowed.exact is None or Version(version) == Version(allowed.exact)
    assert satisfiable(allowed.alternatives[0])


@given(SETS, SETS, VERSIONS)
def test_a_union_allows_what_either_allows(one: str, other: str, version: str) -> None:
    both = union([of(one), of(other)])
    assert both.contains(version) == (of(one).contains(version) or of(other).contains(version))
    for certain in ("certainly_below", "certainly_at_least"):
        each = [getattr(part, certain)(version) for part in (of(one), of(other))]
        assert getattr(both, certain)(version) == all(each)


@pytest.mark.parametrize(
    ("text", "below", "at_least"),
    [
        ("<5", True, False),
        ("<=4.57.6", True, False),
        (">=4.30,<4.40", True, False),
        ("==4.*", True, False),
        ("==4.46.3", True, False),
        ("~=4.46", True, False),
        ("~=4.46.0", True, False),
        ("<5.0.0", True, False),
        ("<=5", False, False),
        ("<6", False, False),
        ("!=5.0", False, False),
        (">=4.30", False, False),
        ("==5.*", False, True),
        (">=5.1.0", False, True),
        (">=5", False, True),
        (">5", False, True),
        ("~=5.2", False, True),
        ("==5.0rc1", True, False),
        ("<5.0rc1", True, False),
        ("==5.0.post1", False, True),
        ("==4.46.3|==4.40", True, False),
        ("==4.46.3|>=5.1", False, False),
    ],
)
def test_below_and_from_5(text: str, below: bool, at_least: bool) -> None:
    assert of(text).certainly_below("5") is below
    assert of(text).certainly_at_least("5.0") is at_least
    assert of(text).possibly_below("5") is not at_least


def test_a_candidate_of_the_next_release_is_above_the_last_one() -> None:
    assert of("==0.30rc1").certainly_at_least("0.29")
    assert of("==0.30rc1").certainly_below("0.30")
    assert not of("==0.30rc1").certainly_below("0.29")


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("==4.46.3", "4.46.3"),
        (">=4.46,==4.46.3", "4.46.3"),
        ("<=4.46.3,>=4.46.3", "4.46.3"),
        ("==4.46.3|==4.46.3", "4.46.3"),
        ("==4.46.3|==4.46.2", None),
        ("==4.46.*", None),
        ("~=4.46.0", None),
        (">=4.46", None),
    ],
)
def test_the_exact_version(text: str, exact: str | None) -> None:
    assert of(text).exact == exact
    assert exact is None or str(of(text)) == exact


def test_nothing_is_known_of_any_version() -> None:
    assert not ANY.certainly_below("1000")
    assert not ANY.certainly_at_least("0")
    assert ANY.possibly_below("0.1")
    assert ANY.contains("1.0")
    assert not ANY.bounded
    assert not ANY.capped
    assert ANY.exact is None


def test_nothing_is_known_of_a_commit_but_that_it_is_one() -> None:
    commit = VersionRange(((Specifier(COMMIT, "0dcb46e"),),))
    assert commit.at_commit
    assert commit.bounded
    assert not commit.capped
    assert not commit.certainly_below("1000")
    assert not commit.certainly_at_least("0")
    assert commit.contains("1.0")
    assert union([commit, exactly("1.0")]).at_commit
    assert not exactly("1.0").at_commit


def test_a_range_that_may_be_open_is_not_bounded() -> None:
    assert not union([exactly("4.46.3"), ANY]).bounded
    assert of("<5|<4").capped
    assert not of("<5|>=4").capped


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("<5,>=5", False),
        ("<=5,>=5", True),
        ("==4.46.3,==4.46.2", False),
        ("==4.46.3,!=4.46.3", False),
        ("==4.46.3,==4.*", True),
        ("==5.0rc1,<5", False),
        (">=4,<5,!=4.1", True),
        ("!=1.0", True),
    ],
)
def test_whether_any_version_will_do(text: str, some: bool) -> None:
    assert satisfiable(of(text).alternatives[0]) is some


def test_it_says_where_it_is_written() -> None:
    first = Specifier(">=", "4.30", "setup.py", 12)
    second = Specifier("<", "5", "uv.lock")
    found = VersionRange(((first, second),))
    assert str(found) == ">=4.30,<5"
    assert found.places == ("setup.py:12", "uv.lock")
    assert str(union([found, ANY])) == ">=4.30,<5 or any version"


def test_packaging_is_imported_only_for_more_than_numbers() -> None:
    code = (
        "import sys\n"
        "from lora_rules.engine.version_range import Specifier, VersionRange, exactly\n"
        "held = VersionRange(((Specifier('>=', '4.30'), Specifier('<', '5')),))\n"
        "held.certainly_below('5'), held.contains('4.46.3'), exactly('4.46.3').exact\n"
        "assert 'packaging' not in sys.modules\n"
        "exactly('0.30rc1').certainly_below('0.30')\n"
        "assert 'packaging' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
