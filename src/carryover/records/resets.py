"""Ends of failed turns, and the reset time of a usage limit in the agent's own message.

Seen: "resets 3pm (Europe/Amsterdam)" and "limit reached|1795154400" (Claude Code 2.0.28 to 2.1.328), "try again at 8:05
AM" (Codex 0.169.0). Reported: "reset after 3h12m5s" (Gemini CLI). Only the time is taken from a message.
"""

from __future__ import annotations

import re
from typing import Final

from carryover.model import TurnEnd
from carryover.records.fields import iso_utc
from carryover.text.pattern import later

_LOOKED_AT: Final = 2000
_DAY: Final = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|today|tomorrow"
    r"|(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.? \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?)"
)
_CLOCK: Final = r"\d{1,2}(?::\d{2}(?:\s?[ap]\.?m\b)?|\s?[ap]\.?m\b)"
_ZONE: Final = r"(?: \([A-Za-z_]{1,20}(?:/[A-Za-z_+-]{1,20}){0,2}\)| (?:UTC|GMT)\b)"
_AT: Final = later(
    rf"\b(?:resets?|try again)(?: at| on)? (?P<when>(?:{_DAY}(?:,? (?:at )?{_CLOCK})?|{_CLOCK}){_ZONE}?)", re.I
)
_IN: Final = later(
    r"\b(?:resets?|try again|retry) (?:in|after) (?P<length>\d{1,3} ?(?:days?|d|hours?|h|minutes?|min|m)(?=\d|\b)"
    r"(?:,? ?(?:and )?\d{1,3} ?(?:hours?|h|minutes?|min|m)(?=\d|\b)){0,2})",
    re.I,
)
_PART: Final = later(r"(\d{1,3}) ?([dhm])", re.I)
_EPOCH: Final = later(r"\blimit reached\|(\d{10})\b", re.I)
_LIMIT: Final = later(
    r"\b429\b|rate[ _-]?limit|\blimit (?:reached|exceeded)|\b(?:usage|session|weekly|opus|sonnet|request) limit"
    r"|(?:hit|reached|exceeded|exhausted) (?:your|the)\b.{0,60}\b(?:limit|allowance|quota)"
    r"|\bquota\b|resource_exhausted|too many requests"
    r"|credit balance|more credits|\bout of (?:extra )?usage\b|insufficient.{0,20}(?:credit|balance|funds)"
    r"|\bpremium requests?\b.{0,40}\b(?:limit|exhausted|used)",
    re.I,
)
_HTTPX: Final = later(r"\A[^\n]{1,200} for url '[^'\n]*'\nFor more information check: \S+: (?=\S)")
"""What the library of Python clients puts before the provider's words."""
_UNIT_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000}


def failed_turn(message: str, at_ms: int, *, limited: bool) -> TurnEnd:
    """Returns the end of a turn that failed with `message` at `at_ms`, at a usage limit or otherwise."""
    message = _HTTPX.sub("", message)
    if not limited:
        return TurnEnd(reason="error", message=message)
    return TurnEnd(reason="limit", message=message, resets=resets_in(message, at_ms))


def names_limit(message: str) -> bool:
    """Whether an error message reports a usage limit, for agents that have no field for it."""
    return _LIMIT.search(message) is not None


def resets_in(message: str, at_ms: int) -> str | None:
    """Returns the reset time in a `message` from `at_ms`: as written, or in UTC if it was relative."""
    text = " ".join(message[:_LOOKED_AT].split())
    if at := _AT.search(text):
        return at["when"]
    if after := _IN.search(text):
        return iso_utc(at_ms + sum(int(n) * _UNIT_MS[unit.lower()] for n, unit in _PART.findall(after["length"])))
    if epoch := _EPOCH.search(text):
        return iso_utc(int(epoch[1]) * 1000)
    return None
