"""A handoff as it is printed, and the same as data."""

from __future__ import annotations

from typing import Any

from carryover.actions.project_handoff import MadeHandoff
from carryover.distill.entry import Entry
from carryover.distill.relative_time import iso_utc
from carryover.distill.render import lay_out


def as_data(made: MadeHandoff) -> dict[str, Any]:
    """The handoff as data: exactly the lines that are printed, each with its sources."""
    handoff = made.handoff
    return {
        "project": made.root,
        "updated": iso_utc(handoff.updated_ms),
        "updated_ms": handoff.updated_ms,
        "agent": handoff.agent_id,
        "agent_name": handoff.agent,
        "resume_protocol": handoff.resume,
        "session": handoff.session,
        "head": handoff.head,
        "sections": [
            {
                "title": title,
                "lines": [text.removeprefix("- ") for text, _ in lines],
                "sources": [[_source(source) for source in entry.sources] for _, entry in lines],
            }
            for title, lines in lay_out(handoff)
        ],
        "text": made.text,
    }


def _source(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "agent": entry.agent or None,
        "session": entry.session or None,
        "turn": entry.turn,
        "at": iso_utc(entry.at_ms) if entry.at_ms else None,
        "at_ms": entry.at_ms or None,
    }


def with_reasons(made: MadeHandoff) -> str:
    """The sections, with a line under each that names the record, the session and the turn it comes from."""
    printed = []
    for title, lines in lay_out(made.handoff):
        printed.append(f"## {title}")
        for text, entry in lines:
            printed += [text, *(f"    why: {_reason(source)}" for source in entry.sources)]
    return "\n".join(printed) + "\n"


def _reason(entry: Entry) -> str:
    turn = f"turn {entry.turn} of {entry.session}" if entry.turn is not None else entry.session
    when = iso_utc(entry.at_ms) if entry.at_ms else ""
    return ", ".join(part for part in (entry.kind, entry.agent, turn, when) if part)
