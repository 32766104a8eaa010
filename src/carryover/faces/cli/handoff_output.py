"""Formats a handoff for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.model import id_in_command
from carryover.past.handoff import HandedOver
from carryover.terminal.output import BOLD, CYAN, DIM, ago, harmless, local_time, paint
from carryover.terminal.paths import short_path

_TO_AGENTS: Final = "for the user: "
"""Starts the part of a usage-limit line that is addressed to the user and not to the agent."""


def lines_for_person(made: HandedOver, *, now_ms: int, home: Path) -> Iterator[str]:
    """Yields the lines for a terminal, without list markers and what a line says to agents."""
    when = f"{local_time(made.updated_ms)} ({ago(made.updated_ms, now_ms)})"
    yield paint(short_path(made.root, home), BOLD)
    yield paint(f"last work {when}, {made.agent}", DIM)
    for section in made.sections:
        yield from ("", paint(section.title, f"{BOLD};{CYAN}"))
        for line in section.lines:
            shown = line.text.removeprefix("- ").removeprefix("> ")
            if line.kind == "limit":
                shown = shown.replace(_TO_AGENTS, "")
            yield f"  · {harmless(shown)}"
    yield ""
    yield paint(f"carryover show {id_in_command(made.session)}  the whole session", DIM)
    yield paint("carryover handoff --raw  the text that agents get", DIM)
