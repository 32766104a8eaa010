"""Which source a path is, and for which one a change beside it counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.adapter.layouts import Layout, source_at

LAYOUTS = (
    Layout(globs=("*/talk.db",), pattern=r"(?P<session>[^/]+)/talk\.db"),
    Layout(globs=("*/now",), pattern=r"(?P<session>[^/]+)/now", beside=r"([^/]+)/log/\d+", stands_for=r"\1/now"),
)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("t1/talk.db", "t1/talk.db"),
        ("t1/talk.db-wal", "t1/talk.db"),
        ("t1/talk.db-journal", "t1/talk.db"),
        ("t1/log/7", "t1/now"),
        ("t1/log/7.tmp", None),
        ("t1/a/talk.db-wal", None),
        ("../elsewhere/talk.db", None),
    ],
)
def test_a_change_beside_a_source_counts_as_its_own(path: str, source: str | None) -> None:
    root = Path("/home/ada/.scribe")
    found = source_at("scribe", LAYOUTS, root / path, root)

    assert (found and found.path) == (source and str(root / source))
