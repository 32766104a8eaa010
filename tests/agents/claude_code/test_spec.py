"""Claude Code as it is installed. The versions are those of its own list of changes."""

from __future__ import annotations

import pytest
from packaging.version import Version

from carryover.agents.claude_code.spec import SPEC
from carryover.install.detect import hooks_for


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
