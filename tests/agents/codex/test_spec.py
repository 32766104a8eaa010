"""Codex as it is installed. The versions are those that were run with hooks."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from carryover.agents.codex.spec import SPEC
from carryover.install.detect import hooks_for, version_in

FIRST = ["SessionStart", "Stop"]
ALL = ["SessionStart", "PreCompact", "Stop", "SessionEnd"]


@pytest.mark.parametrize(
    ("version", "state", "events"),
    [
        ("0.124.9", "older", None),
        ("0.125.0", "ok", FIRST),
        ("0.144.9", "ok", FIRST),
        ("0.145.0", "ok", ALL),
        ("0.169.0", "ok", ALL),
        ("1.0.0", "newer", ALL),
    ],
)
def test_no_event_is_asked_for_before_the_version_that_has_it(
    version: str, state: str, events: list[str] | None
) -> None:
    found, hook_set = hooks_for(SPEC, Version(version))

    assert (found, None if hook_set is None else list(hook_set.events)) == (state, events)


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("codex-cli 0.169.0\n", "0.169.0"),
        ("codex-cli 0.170.0-alpha.3", "0.170.0"),
        ("a new version is there\ncodex-cli 0.169.0\n", "0.169.0"),
        ("0.169.0", ""),
        ("codex-cli 0.169.0.1", ""),
    ],
)
def test_the_version_follows_the_clients_name(answer: str, version: str) -> None:
    assert SPEC.version is not None
    assert version_in(answer, SPEC.version).text == version


def test_a_reviewed_hook_is_found_by_its_file_event_and_place() -> None:
    """As 0.169.0 wrote it into its settings."""
    assert SPEC.hooks.review is not None
    file = Path("/home/dev/.codex/hooks.json")

    assert SPEC.hooks.review.entry(file, "SessionStart", 0, 0) == "/home/dev/.codex/hooks.json:session_start:0:0"
    assert SPEC.hooks.review.entry(file, "PreCompact", 2, 1) == "/home/dev/.codex/hooks.json:pre_compact:2:1"
    assert SPEC.hooks.review.entry(file, "Stop", 0, 0) == "/home/dev/.codex/hooks.json:stop:0:0"
