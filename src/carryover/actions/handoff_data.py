"""A handoff as data, or with the source of each line. Pure."""

from __future__ import annotations

from typing import Any, Final

from carryover.actions.handing_over import MadeHandoff
from carryover.distill.entry import Entry
from carryover.records.fields import iso_utc

FORMAT: Final = "carryover-handoff/1.1"
"""Version of the data; architecture/handoff-format.md says when it rises."""


def as_data(made: MadeHandoff) -> dict[str, Any]:
    """Returns the handoff as data: exactly the lines that are printed, each with its sources."""
    handoff = made.handoff
    return {
        "format": FORMAT,
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
            for title, lines in made.sections
        ],
        "text": made.text,
    }


def _source(entry: Entry) -> dict[str, Any]:
    of = {"kind": entry.kind, "agent": entry.agent or None, "session": entry.session or None, "turn": entry.turn}
    return of | {"at": iso_utc(entry.at_ms) if entry.at_ms else None, "at_ms": entry.at_ms or None}


def with_reasons(made: MadeHandoff) -> str:
    """Returns the sections with a line under each entry that names its record, session and turn."""
    printed = []
    for title, lines in made.sections:
        printed.append(f"## {title}")
        for text, entry in lines:
            printed.append(text)
            for source in entry.sources:
                turn = f"turn {source.turn} of {source.session}" if source.turn is not None else source.session
                facts = (source.kind, source.agent, turn, iso_utc(source.at_ms) if source.at_ms else "")
                printed.append(f"    why: {', '.join(filter(None, facts))}")
    return "\n".join(printed) + "\n"
