"""What the user typed, out of a message as Cursor hands it to the model.

Seen in agent-transcripts and in the CLI's store (2026 builds, per FACTS.md): blocks of attached context, then
`<timestamp>` with the local time in words, then `<user_query>`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
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
"""How a block begins that the client put in front of the user's words. Names beyond user_info are unverified."""

_TIME: Final = re.compile(
    r"(?P<month>[A-Z][a-z]{2})[a-z]*\.? (?P<day>\d{1,2}),? (?P<year>\d{4}),?(?: at)?\s+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"\s*\(?(?:UTC|GMT)(?:(?P<sign>[+\-\u2212])(?P<zone_hours>\d{1,2})(?::?(?P<zone_minutes>\d\d))?)?\)?"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WORKSPACE: Final = re.compile(r"^Workspace Path: (.{1,4096})$", re.MULTILINE)
_MAX_TIME_CHARS: Final = 200
_INJECTED: Final = ("The above subagent result is already visible", "Briefly inform the user about the task result")
"""How a query begins by which the client has the model go on."""


class Words(msgspec.Struct, frozen=True):
    """The text that the user typed (empty where nothing was), and when it was sent (UTC, 0 if unknown)."""

    text: str
    at_ms: int = 0
    workspace: str | None = None
    """The workspace folder that the context blocks name."""
    marked: bool = False
    """The client marked them as the user's."""


def words_of(text: str) -> Words:
    """What of a user message the user typed. Tags inside the user's words are the user's."""
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
    """UTC milliseconds of a time such as `Monday, March 2, 2026, 9:00 AM (UTC+1)` or an ISO time with a zone.

    0 where it is none, or says no zone: the parser does not know in which one the client ran.
    """
    found = _TIME.search(text)
    if found is None:
        iso = text.strip()
        return utc_ms(iso) if re.search(r"(?:Z|[+-]\d\d:?\d\d)$", iso) else 0
    part = found.groupdict()
    if part["month"] not in _MONTHS:
        return 0
    hour = int(part["hour"])
    if part["half"]:
        hour = hour % 12 + (12 if part["half"] in "Pp" else 0)
    offset = timedelta(hours=int(part["zone_hours"] or 0), minutes=int(part["zone_minutes"] or 0))
    try:
        zone = timezone(offset if part["sign"] == "+" else -offset) if offset else UTC
        month = _MONTHS.index(part["month"]) + 1
        numbers = (int(part["year"]), month, int(part["day"]), hour, int(part["minute"]), int(part["second"] or 0))
        return max(0, round(datetime(*numbers, tzinfo=zone).timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0


def _after_context(text: str) -> int:
    """Where the blocks before the user's text end; one that is not closed reaches to the end."""
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
