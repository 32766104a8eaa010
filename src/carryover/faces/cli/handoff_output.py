"""Formats a handoff for a terminal, or with the source of each line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.model import id_in_command
from carryover.past.handoff import HandedOver, Origin
from carryover.terminal.output import BOLD, CYAN, DIM, ago, harmless, local_time, paint
from carryover.terminal.paths import short_path

_TO_AGENTS: Final = "for the user: "
"""Starts the part of a usage-limit line that is addressed to the user and not to the agent."""


def lines_for_person(made: HandedOver, *, now_ms: int, home: Path) -> Iterator[str]:
    """Yields the lines for a terminal, without list markers and what a line says to agents."""
    when = f"{local_time(made.updated_ms)} ({ago(made.updated_ms, now_ms)})"
    yield paint(short_path(made.project, home), BOLD)
    yield paint(f"last work {when}, {made.agent_name}", DIM)
    for section in made.sections:
        yield from ("", paint(section.title, f"{BOLD};{CYAN}"))
        for line, sources in zip(section.lines, section.sources, strict=True):
            shown = line.removeprefix("> ")
            if any(source.kind == "limit" for source in sources):
                shown = shown.replace(_TO_AGENTS, "")
            yield f"  · {harmless(shown)}"
    yield ""
    yield paint(f"carryover show {id_in_command(made.session)}  the whole session", DIM)
    yield paint("carryover handoff --raw  the text that agents get", DIM)


def with_reasons(made: HandedOver) -> str:
    """Returns the sections with a line under each entry that names its record, session and turn."""
    printed = []
    for section in made.sections:
        printed.append(f"## {section.title}")
        for line, sources in zip(section.lines, section.sources, strict=True):
            printed.append(f"- {line}")
            printed += [f"    why: {_reason(source)}" for source in sources]
    return "\n".join(printed) + "\n"


def _reason(source: Origin) -> str:
    where = source.session
    if source.turn is not None:
        where = f"turn {source.turn} of {source.session or ''}"
    return ", ".join(filter(None, (source.kind, source.agent, where, source.at)))
