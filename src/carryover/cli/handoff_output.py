"""Formats a handoff for a terminal, as data, or with the source of each line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from carryover.actions.handing_over import MadeHandoff
from carryover.distill.entry import Entry
from carryover.distill.render import lay_out
from carryover.model import id_in_command
from carryover.records.fields import iso_utc
from carryover.terminal.output import BOLD, CYAN, DIM, ago, harmless, local_time, paint
from carryover.terminal.paths import short_path

FORMAT: Final = "carryover-handoff/1.1"
"""Version of the data; architecture/handoff-format.md says when it rises."""
_TO_AGENTS: Final = "for the user: "
"""Starts the part of a usage-limit line that is addressed to the user and not to the agent."""


def lines_for_person(made: MadeHandoff, *, now_ms: int, home: Path) -> Iterator[str]:
    """Yields the lines for a terminal, without list markers and what a line says to agents."""
    handoff = made.handoff
    when = f"{local_time(handoff.updated_ms)} ({ago(handoff.updated_ms, now_ms)})"
    yield paint(short_path(made.root, home), BOLD)
    yield paint(f"last work {when}, {handoff.agent}", DIM)
    for title, lines in lay_out(handoff):
        yield from ("", paint(title, f"{BOLD};{CYAN}"))
        for text, entry in lines:
            shown = text.removeprefix("- ").removeprefix("> ")
            yield f"  · {harmless(shown.replace(_TO_AGENTS, '') if entry.kind == 'limit' else shown)}"
    yield ""
    yield paint(f"carryover show {id_in_command(handoff.session)}  the whole session", DIM)
    yield paint("carryover handoff --raw  the text that agents get", DIM)


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
            for title, lines in lay_out(handoff)
        ],
        "text": made.text,
    }


def _source(entry: Entry) -> dict[str, Any]:
    of = {"kind": entry.kind, "agent": entry.agent or None, "session": entry.session or None, "turn": entry.turn}
    return of | {"at": iso_utc(entry.at_ms) if entry.at_ms else None, "at_ms": entry.at_ms or None}


def with_reasons(made: MadeHandoff) -> str:
    """Returns the sections with a line under each entry that names its record, session and turn."""
    printed = []
    for title, lines in lay_out(made.handoff):
        printed.append(f"## {title}")
        for text, entry in lines:
            printed.append(text)
            for source in entry.sources:
                turn = f"turn {source.turn} of {source.session}" if source.turn is not None else source.session
                facts = (source.kind, source.agent, turn, iso_utc(source.at_ms) if source.at_ms else "")
                printed.append(f"    why: {', '.join(filter(None, facts))}")
    return "\n".join(printed) + "\n"
