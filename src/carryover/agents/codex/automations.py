"""What the app sends to a thread on a schedule, and what an answer to that tells the app."""

from __future__ import annotations

from html import unescape
from typing import Final

from carryover.records.text import tagged
from carryover.text.pattern import later

_JOB: Final = later(
    r"\s*Automation: ([^\n]{1,200})\nAutomation ID: [^\n]{1,200}\nAutomation memory: [^\n]{1,400}\n"
    r"(?:Last run: [^\n]{1,80}\n)?"
)
"""What stands above the instructions of an automation that begins a thread each time (0.107; March to August 2026)."""
_BEGINS: Final = "<heartbeat>"
_ENDS: Final = "</heartbeat>"
"""Around those of an automation that goes on in one thread, which are escaped, and around what an answer to it tells
the app: whether to notify the user, and with which words (May to September 2026)."""
_DECIDES: Final = "<decision>"


def scheduled_words(text: str) -> str | None:
    """Returns what an automation asks, with its name if it has one; None if no automation sent `text`."""
    if (job := _JOB.match(text)) is not None:
        return f"[{job[1].strip()}] {text[job.end() :].strip()}"
    block = text.strip()
    if not (block.startswith(_BEGINS) and block.endswith(_ENDS)):
        return None
    asked = unescape(tagged(block, "instructions") or tagged(block, "automation_id") or "").strip()
    return asked or None  # a user's own element may have that name


def without_decision(answer: str) -> str:
    """Returns an answer without its decision whether to notify; if it says nothing else, the words of that."""
    before, mark, block = answer.rpartition(_BEGINS)
    if not mark or _DECIDES not in block or not block.rstrip().endswith(_ENDS):
        return answer
    return before.rstrip() or unescape(tagged(block, "message") or "").strip()
