"""Extracts the user's text from a message as Cursor hands it to the model.

Reported for agent transcripts and the CLI's store (2026 builds, FACTS.md): blocks of attached context, then
`<timestamp>` with the local time in words, then `<user_query>`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from carryover.records.text import tagged

_CONTEXT: Final = re.compile(
    r"\s*<(additional_data|agent_skills|agent_transcripts|always_applied_workspace_rules|attached_files|"
    r"available_skills|cursor_commands|current_file|environment_details|external_links|git_status|image_files|"
    r"linter_errors|manually_attached_skills|mcp_file_system|open_and_recently_viewed_files|project_layout|rules|"
    r"selected_code|system_notification|system_reminder|system-reminder|terminal_files_information|timestamp|"
    r"user_info|user_rules|workspace_rules)\b[^>]{0,200}>"
)
"""The beginning of a block that the client put before the user's words. Names beyond user_info are unverified."""

_TIME: Final = re.compile(
    r"([A-Z][a-z]{2})[a-z]* (\d{1,2}), (\d{4}),? (\d{1,2}:\d\d)\s?([AP]M) \(UTC(?:([+-])(\d{1,2})(?::(\d\d))?)?\)"
)
_WORKSPACE: Final = re.compile(r"^Workspace Path: (.{1,4096})$", re.MULTILINE)
_INJECTED: Final = ("The above subagent result is already visible", "Briefly inform the user about the task result")
"""The beginning of a query by which the client makes the model continue."""


class Words(msgspec.Struct, frozen=True):
    """The text that the user typed (empty if none), and when it was sent (UTC ms, 0 if unknown)."""

    text: str
    at_ms: int = 0
    workspace: str = ""
    """The workspace folder that the context blocks name."""
    marked: bool = False
    """Whether the client marked the text as the user's."""


def words_of(text: str) -> Words:
    """Returns the part of a user message that the user typed: the last query, since what was attached before it may
    hold one too."""
    start = _after_context(text)
    head = text[:start]
    typed = text[start:]
    before, mark, marked = typed.rpartition("<user_query>")
    if mark:
        head += before
        typed = marked.rpartition("</user_query>")[0] if "</user_query>" in marked else marked
    found = _WORKSPACE.search(head)
    return Words(
        text="" if typed.startswith(_INJECTED) else typed.strip(),
        at_ms=spoken_ms(tagged(head, "timestamp", head.rfind("<timestamp>")) or ""),
        workspace=found[1].strip() if found else "",
        marked=bool(mark),
    )


def spoken_ms(text: str) -> int:
    """Parses a time such as `Monday, March 2, 2026, 9:00 AM (UTC+1)` to UTC milliseconds; 0 if it is none."""
    found = _TIME.search(text)
    if found is None:
        return 0
    *date, sign, hours, minutes = found.groups()
    zone = f"{sign or '+'}{int(hours or 0):02}{minutes or '00'}"
    try:
        return max(0, round(datetime.strptime(" ".join((*date, zone)), "%b %d %Y %I:%M %p %z").timestamp() * 1000))
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
