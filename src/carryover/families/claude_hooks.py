"""Hooks as Claude Code has them: the entries in settings, and the events of a session. Data only."""

from __future__ import annotations

from typing import Final

from carryover.adapter.spec import HookEntry

STOP: Final = HookEntry(event="Stop", timeout_s=5)
FAILURE: Final = HookEntry(event="StopFailure", timeout_s=5)
COMPACT: Final = HookEntry(event="PreCompact", timeout_s=5)
# Without an explicit time limit Claude Code kills it after 1.5 s, and the user sees that.
END: Final = HookEntry(event="SessionEnd", timeout_s=5)

EVENTS: Final = ("SessionStart", "PreCompact", "Stop", "StopFailure", "SessionEnd")
