"""Reports and values drawn at random, and a stream that says it is a terminal."""

from __future__ import annotations

import io

from hypothesis import strategies as st

from lora_lint.engine.finding import FileReport, Finding
from lora_rules.engine.problem import Severity
from lora_rules.recipe import Span


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


spans = st.builds(
    Span,
    st.integers(-1, 6),
    st.integers(-1, 30),
    st.integers(-1, 6),
    st.integers(-1, 30),
    st.none() | st.integers(1, 3),
)
findings = st.builds(
    Finding,
    st.just("f"),
    st.sampled_from(["LL101", "LL102"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(Severity),
    st.text(max_size=40),
    spans,
    help=st.text(max_size=20),
    also=st.lists(st.tuples(spans, st.text(max_size=5)), max_size=3).map(tuple),
    certain=st.booleans(),
    suppressed=st.none() | st.text(max_size=5),
    key=st.sampled_from(["", "axolotl/qlora-needs-load-in-4bit"]),
)
reports = st.builds(
    FileReport,
    st.just("f"),
    st.lists(findings, max_size=4).map(tuple),
    st.lists(st.text(max_size=30), max_size=5).map(tuple),
    st.lists(st.lists(st.text(max_size=20), max_size=3).map(tuple), max_size=3).map(tuple),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.dictionaries(st.text() | st.integers() | st.none(), inner)
        | st.frozensets(st.integers())
    ),
    max_leaves=10,
)
