"""Claude Code as it is installed. The versions are those of its own list of changes."""

from __future__ import annotations

import pytest
from packaging.version import Version

from carryover.agents.claude_code.spec import SPEC
from carryover.install.hook_sets import hooks_for
from carryover.install.version_probe import version_in


@pytest.mark.parametrize(
    ("version", "state", "events"),
    [
        ("0.2.9", "older", None),
        ("1.0.47", "older", None),
        ("1.0.48", "ok", ["PreCompact", "Stop"]),
        ("1.0.61", "ok", ["PreCompact", "Stop"]),
        ("1.0.62", "ok", ["SessionStart", "PreCompact", "Stop"]),
        ("1.0.84", "ok", ["SessionStart", "PreCompact", "Stop"]),
        ("1.0.85", "ok", ["SessionStart", "PreCompact", "Stop", "SessionEnd"]),
        ("2.0.65", "ok", ["SessionStart", "PreCompact", "Stop", "SessionEnd"]),
        ("2.1.77", "ok", ["SessionStart", "PreCompact", "Stop", "SessionEnd"]),
        ("2.1.78", "ok", ["SessionStart", "PreCompact", "Stop", "StopFailure", "SessionEnd"]),
        ("2.1.328", "ok", ["SessionStart", "PreCompact", "Stop", "StopFailure", "SessionEnd"]),
        ("3.0.0", "newer", ["SessionStart", "PreCompact", "Stop", "StopFailure", "SessionEnd"]),
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
        ("2.1.328 (Claude Code)\n", "2.1.328"),
        ("2.0.65 (Claude Code)\n", "2.0.65"),
        ("2.1.328-beta.1 (Claude Code)", "2.1.328"),
        ("an update is ready\r\n2.1.328 (Claude Code)\r\n", "2.1.328"),
        ("claude 2.1.328", ""),
        ("127.0.0.1 refused", ""),
        ("2.1 (Claude Code)", ""),
        (f"{'9' * 5000}.1.1", ""),
        ("", ""),
    ],
)
def test_the_version_is_the_number_at_the_beginning_of_a_line(answer: str, version: str) -> None:
    assert SPEC.version is not None
    assert version_in(answer, SPEC.version).text == version
