"""Formats times in a handoff relative to its first line, so that they stay true whenever it is read."""

from __future__ import annotations


def earlier(then_ms: int, at_ms: int) -> str:
    """Returns how long before `at_ms` something was: "4 min earlier", "2 h earlier"; empty for less than a minute."""
    return f"{elapsed(then_ms, at_ms)} earlier" if at_ms - then_ms >= 60_000 else ""


def later(then_ms: int, at_ms: int) -> str:
    """Returns how long after `at_ms` something was: "2 h later"; empty for less than a minute."""
    return f"{elapsed(at_ms, then_ms)} later" if then_ms - at_ms >= 60_000 else ""


def elapsed(then_ms: int, at_ms: int) -> str:
    """Returns the time from `then_ms` to `at_ms`, rounded: "less than a minute", "3 min", "2 h", "5 days"."""
    minutes = max(0, at_ms - then_ms) / 60_000
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"{round(minutes)} min"
    if minutes < 36 * 60:
        return f"{round(minutes / 60)} h"
    return f"{round(minutes / 1440)} days"
