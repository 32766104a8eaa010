"""Makes the second page of a handoff, and writes it beside the handoff that names it. Blocks."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from carryover.agents import agent_names
from carryover.config import Config
from carryover.distill.header import Answering
from carryover.distill.render import render
from carryover.distill.trail import past_of
from carryover.export import dial
from carryover.facts import ProjectRoot
from carryover.fsio import locked_dir
from carryover.probe.checkout import Checkout
from carryover.probe.looks import give_up_if_late
from carryover.projects.handoff_file import PAGE, read_handoff, write_handoff
from carryover.projects.policy import refusal_by_git
from carryover.publish.make import MadeHandoff, newest_first, view_now
from carryover.redact import CleanText


def _second_page(db: sqlite3.Connection, project: int | ProjectRoot, made: MadeHandoff, config: Config) -> CleanText:
    """Returns the second page of a handoff that has one."""
    assert made.handoff is not None, "else it has none"
    view = view_now(db, project, config)
    past = past_of(view, now_ms=made.at_ms, names=agent_names())
    assert past is not None, "it is made from a handoff"
    deeper = dial.second_page(made.handoff, past, newest_first(db, view))
    return render(deeper, Answering(situation="going_on"))


def write_second_page(db: sqlite3.Connection, project: int | ProjectRoot, made: MadeHandoff, config: Config) -> bool:
    """Writes the second page of a published handoff that names one; returns whether it is in place.

    Writes nothing if another handoff, or none, is in place by now: whoever put it there has its second page written, or
    has taken this one out. Raises OSError if it can't be written.
    """
    published = made.published
    if published.page is None or not _is_in_place(made):
        return False
    text = _second_page(db, project, made, config)
    give_up_if_late()
    folder = published.page.parent
    with locked_dir(folder):
        if _is_in_place(made) and refusal_by_git(Checkout(Path(made.root))) is None:
            write_handoff(folder, text, PAGE)
            return True
        with contextlib.suppress(OSError):  # the folder may have been taken out just before it was locked
            folder.rmdir()
    return False


def _is_in_place(made: MadeHandoff) -> bool:
    """Whether the handoff that was published is the one that is there now."""
    with contextlib.suppress(OSError):
        if made.text is not None and made.published.file is not None:
            return read_handoff(made.published.file) == made.text.encode(errors="replace")
    return False
