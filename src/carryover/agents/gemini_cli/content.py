"""The parts of a content: what was typed and said, the user's own commands, the summary of a compaction."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.gemini_cli.tools import SHELL
from carryover.model import AgentSummary, ToolCall, ToolResult
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, is_true, text_of
from carryover.records.summary import kinds_of, parts_by_tag
from carryover.records.text import tagged, without_ansi, without_handoff
from carryover.transcript.recorder import OpenCall

SUMMARY_KINDS: Final = kinds_of(
    request="overall_goal",
    other="key_knowledge|file_system_state",
    current="recent_actions",
    next="current_plan|task_state",
)
"""The tags inside the `<state_snapshot>` that a compaction asks for (reported; 0.44 and 0.61 have the outer tag)."""
REFERENCED: Final = re.compile(r"\n?--- Content from referenced files ---\n?")
"""Precedes the files after a prompt with `@file`."""
_SHELL_MODE: Final = re.compile(
    r"I ran the following shell command:\n```sh\n(.*?)\n```\n\n"
    r"This produced the following (?:result|output):\n```\n(.*?)\n?```\s*\Z",
    re.DOTALL,
)
"""The user's own `!command`, as the client reports it to the model."""


def parts_of(raw: msgspec.Raw | None) -> list[Fields] | None:
    """Returns the parts of a content: a text, a part, or a list of those; None if it is something else.

    Parts of other kinds (images, calls) have no text.
    """
    if raw is None or text_of(raw):
        return [{"text": raw}] if raw is not None else []
    if (raws := rawjson.part_of(raw, list[msgspec.Raw])) is not None:
        return [fields_of(part) or {"text": part} for part in raws]
    return [fields_of(raw)] if bytes(raw)[:1] in (b"{", b'"') else None


def shown_text(parts: list[Fields]) -> str:
    """Returns the text of parts, without the model's thoughts, which the user is not shown."""
    return "".join(text_of(part.get("text")) for part in parts if not is_true(part.get("thought")))


def typed_command(text: str, call_id: str, cwd: str | None) -> tuple[ToolCall, ToolResult] | None:
    """Returns the user's own command in a text, and how it ended; None if the text is something else."""
    ran = _SHELL_MODE.match(text)
    if ran is None:
        return None
    call = OpenCall.of_command(call_id, SHELL, ran[1].strip(), cwd).by_user()
    return call.as_event(), call.ended(ToolOutcome("unknown", without_ansi(ran[2])))


def summary_in(text: str, trigger: Literal["manual", "auto"] | None = None) -> AgentSummary | None:
    """Returns the summary of a compaction; None if the text has none."""
    summary = without_handoff(text).strip()
    if not summary:
        return None
    parts = parts_by_tag(tagged(summary, "state_snapshot") or summary, SUMMARY_KINDS)
    return AgentSummary(text=summary, source="compaction", trigger=trigger, parts=parts)
