"""Cursor as it is installed: an editor with versions of its own, and a terminal client whose versions are dates."""

from __future__ import annotations

import pytest
from packaging.version import Version

from carryover.agents.cursor.spec import SPEC
from carryover.install.detect import hooks_for, version_in

STOP = ["stop"]
START = ["sessionStart", "stop"]
ALL = ["sessionStart", "stop", "sessionEnd"]


@pytest.mark.parametrize(
    ("version", "state", "events"),
    [
        ("0.50.7", "older", None),
        ("1.6.45", "older", None),
        ("1.7.0", "ok", STOP),
        ("2.4.1", "ok", STOP),
        ("3.12.16", "ok", STOP),
        ("3.12.17", "ok", START),
        ("4.0.0", "ok", START),
        ("2025.09.18", "ok", STOP),
        ("2026.07.16", "ok", STOP),
        ("2026.07.17", "ok", START),
        ("2026.09.09", "ok", START),
        ("2026.09.10", "ok", ALL),
        ("2027.01.05", "ok", ALL),
    ],
)
def test_no_event_is_asked_for_before_a_version_that_is_reported_to_have_it(
    version: str, state: str, events: list[str] | None
) -> None:
    """One event that is not known there voids the file (2026.09.10)."""
    found, hook_set = hooks_for(SPEC, Version(version))

    assert (found, None if hook_set is None else list(hook_set.events)) == (state, events)


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("2026.09.10-fd3934a\n", "2026.09.10"),
        ("3.12.17\n8f2a1b9c0d3e4f5a6b7c8d9e0f1a2b3c4d5e6f70\nx64\n", "3.12.17"),
        ("3.12.17\r\n8f2a1b\r\narm64\r\n", "3.12.17"),
        ("a warning\n1.7.28\nabc\nx64", "1.7.28"),
        ("8f2a1b9c0d3e4f5a6b7c8d9e0f1a2b3c4d5e6f70\n", ""),
        ("127.0.0.1 refused", ""),
        ("", ""),
    ],
)
def test_the_version_is_that_of_the_editor_or_of_the_terminal_client(answer: str, version: str) -> None:
    assert SPEC.version is not None
    assert version_in(answer, SPEC.version).text == version
