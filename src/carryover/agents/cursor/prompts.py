"""Extracts the user's text from a message as Cursor hands it to the model.

Reported for agent transcripts and the CLI's store (2026 builds, FACTS.md): blocks of attached context, then
`<timestamp>` with the local time in words, then `<user_query>`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Final

import msgspec

from carryover.records.fields import utc_ms

_CONTEXT: Final = re.compile(
    r"\s*<(additional_data|agent_skills|agent_transcripts|always_applied_workspace_rules|attached_files|"
    r"available_skills|cursor_commands|current_file|environment_details|external_links|git_status|image_files|"
    r"linter_errors|manually_attached_skills|mcp_file_system|open_and_recently_viewed_files|project_layout|rules|"
    r"selected_code|system_notification|system_reminder|system-reminder|terminal_files_information|timestamp|"
    r"user_info|user_rules|workspace_rules)\b[^>]{0,200}>"
)
"""The beginning of a block that the client put before the user's words. Names beyond user_info are unverified."""

_TIME: Final = re.compile(
    r"(?P<day>[A-Z][a-z]{2})[a-z]*\.? (?P<rest>\d{1,2},? \d{4}),?(?: at)?\s+(?P<clock>\d{1,2}:\d\d)(?P<second>:\d\d)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?\s*\(?(?:UTC|GMT)(?:(?P<sign>[+\-\u2212])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?)?"
)
_WORKSPACE: Final = re.compile(r"^Workspace Path: (.{1,4096})$", re.MULTILINE)
_MAX_TIME_CHARS: Final = 200
_INJECTED: Final = ("The above subagent result is already visible", "Briefly inform the user about the task result")
"""The beginning of a query by which the client makes the model continue."""


class Words(msgspec.Struct, frozen=True):
    """The text that the user typed (empty if none), and when it was sent (UTC ms, 0 if unknown)."""

    text: str
    at_ms: int = 0
    workspace: str | None = None
    """The workspace folder that the context blocks name."""
    marked: bool = False
    """Whether the client marked the text as the user's."""


def words_of(text: str) -> Words:
    """Returns the part of a user message that the user typed. Tags inside it belong to the user's text."""
    start = _after_context(text)
    head, rest = text[:start], text[start:]
    opened = rest.find("<user_query>")
    closed = rest.rfind("</user_query>")
    typed = rest
    if opened >= 0:
        head += rest[:opened]
        typed = rest[opened + len("<user_query>") : closed if closed > opened else None]
    found = _WORKSPACE.search(head)
    workspace = found[1].strip() if found else None
    typed = "" if typed.startswith(_INJECTED) else typed.strip()
    return Words(text=typed, at_ms=_time_in(head), workspace=workspace, marked=opened >= 0)


def spoken_ms(text: str) -> int:
    """Parses a time such as `Monday, March 2, 2026, 9:00 AM (UTC+1)`, or an ISO time with a zone, to UTC milliseconds.

    Returns 0 if it is not a time or has no zone: the parser doesn't know which zone the client was in.
    """
    found = _TIME.search(text)
    if found is None:
        iso = text.strip()
        return utc_ms(iso) if re.search(r"(?:Z|[+-]\d\d:?\d\d)$", iso) else 0
    half = f" {found['half']}M" if found["half"] else ""
    plain = f"{found['day']} {found['rest'].replace(',', '')} {found['clock']}{found['second'] or ':00'}{half}"
    offset = timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0))
    try:
        zone = timezone(offset if found["sign"] == "+" else -offset)
        at = datetime.strptime(plain, "%b %d %Y %I:%M:%S %p" if half else "%b %d %Y %H:%M:%S").replace(tzinfo=zone)
        return max(0, round(at.timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0


def _after_context(text: str) -> int:
    """Returns the offset at which the context blocks end; an unclosed block extends to the end."""
    at = 0
    while found := _CONTEXT.match(text, at):
        closing = f"</{found[1]}>"
        closed = text.find(closing, found.end())
        at = closed + len(closing) if closed >= 0 else len(text)
    return at


def _time_in(head: str) -> int:
    opened = head.rfind("<timestamp>")
    closed = head.find("</timestamp>", opened) if opened >= 0 else -1
    if not 0 <= closed - opened <= _MAX_TIME_CHARS:
        return 0
    return spoken_ms(head[opened + len("<timestamp>") : closed])
