"""A handoff as data, or with the source of each line. Pure."""

from __future__ import annotations

from typing import Any, Final

from carryover.daemon.handed_over import HandedOver, Origin, Section
from carryover.records.fields import iso_utc

FORMAT: Final = "carryover-handoff/1.1"
"""Version of the data; architecture/handoff-format.md says when it rises."""


def as_data(made: HandedOver) -> dict[str, Any]:
    """Returns the handoff as data: exactly the lines that are printed, each with its sources."""
    return {
        "format": FORMAT,
        "project": made.root,
        "updated": iso_utc(made.updated_ms),
        "updated_ms": made.updated_ms,
        "agent": made.agent_id,
        "agent_name": made.agent,
        "resume_protocol": made.resume,
        "session": made.session,
        "head": made.head,
        "sections": [_section(section) for section in made.sections],
        "text": made.text,
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "lines": [line.text.removeprefix("- ") for line in section.lines],
        "sources": [[_source(origin) for origin in line.origins] for line in section.lines],
    }


def _source(origin: Origin) -> dict[str, Any]:
    return {
        "kind": origin.kind,
        "agent": origin.agent or None,
        "session": origin.session or None,
        "turn": origin.turn,
        "at": iso_utc(origin.at_ms) if origin.at_ms else None,
        "at_ms": origin.at_ms or None,
    }


def with_reasons(made: HandedOver) -> str:
    """Returns the sections with a line under each entry that names its record, session and turn."""
    printed = []
    for section in made.sections:
        printed.append(f"## {section.title}")
        for line in section.lines:
            printed.append(line.text)
            printed += [f"    why: {_reason(origin)}" for origin in line.origins]
    return "\n".join(printed) + "\n"


def _reason(origin: Origin) -> str:
    where = origin.session
    if origin.turn is not None:
        where = f"turn {origin.turn} of {origin.session}"
    at = iso_utc(origin.at_ms) if origin.at_ms else ""
    return ", ".join(filter(None, (origin.kind, origin.agent, where, at)))
