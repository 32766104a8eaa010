"""A handoff as it is printed, and the same as data."""

from __future__ import annotations

from typing import Any

import msgspec

from carryover.distill.handoff import Handoff
from carryover.distill.when import iso_utc


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The handoff of the project at `root`; `text` is what of it fits into 50 lines."""

    root: str
    handoff: Handoff
    text: str


def as_data(made: Made) -> dict[str, Any]:
    """What the text says, as data: no more and no fewer lines than are printed."""
    handoff = made.handoff
    return {
        "project": made.root,
        "updated": iso_utc(handoff.updated_ms),
        "updated_ms": handoff.updated_ms,
        "agent": handoff.agent,
        "resume_protocol": handoff.resume,
        "session": handoff.session,
        "head": handoff.head,
        "sections": _sections(made.text),
        "text": made.text,
    }


def _sections(text: str) -> list[dict[str, Any]]:
    """Each printed line of a section is a list item, whatever a transcript holds, so the text can be read back."""
    sections: list[dict[str, Any]] = []
    for line in text.splitlines():
        if line.startswith("## "):
            sections.append({"title": line[3:], "lines": []})
        elif sections and line.startswith("- "):
            sections[-1]["lines"].append(line[2:])
    return sections
