"""Makes what is shared with another person: a project's handoff and the conversations behind it."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from carryover.actions.context import agents_own, now_ms, settings_to_print
from carryover.actions.exporting import session_document, shown_title
from carryover.actions.recorded import nothing_recorded, of_recorded, refuse_excluded
from carryover.distill.handoff import Handoff, has_past
from carryover.distill.render import lay_out
from carryover.errors import ExitCode, UserError
from carryover.export import quoting
from carryover.facts import Facts
from carryover.ledger.queries import work_sessions
from carryover.ledger.rows import SessionRow
from carryover.paths import StateDir
from carryover.publish.make import files_now, git_now, make, view_now
from carryover.records.fields import iso_utc
from carryover.redact.values import MARK
from carryover.sync.bundle import LARGEST_TEXT, Bundle, Depth, Document
from carryover.terminal.output import one_line

LINE_CHARS: Final = 120
_MOST_SESSIONS: Final = 500
_CUT: Final = "[The beginning is left out: all of it would be too long.]\n\n"
_MARKS: Final = re.compile(rf"{re.escape(MARK)}([\w-]+)\]")


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle, with what was done to it."""

    bundle: Bundle
    secrets: dict[str, int]
    """The number of marks that stand for secrets, by kind."""
    home_paths: int
    """How often the path of the home folder was replaced."""
    left_out: int
    """How many sessions did not fit."""


def compose(state: StateDir, root: str, sender: str, depth: Depth, expires_ms: int | None) -> Shared:
    """Makes a bundle of the project at `root`. `sender`: in whose name. `expires_ms`: until when, None for ever.

    Raises UserError: NOTHING_FOUND if there is nothing to share, REFUSED if the project is excluded.
    """
    config = settings_to_print(state)
    refuse_excluded(root, config)
    blank = Bundle(
        sender=_line(sender),
        host=_line(os.uname().nodename),
        project=_line(Path(root).name),
        title="",
        made_ms=now_ms(),
        expires_ms=expires_ms,
        depth=depth,
        handoff="",
    )

    def composed(ledger: sqlite3.Connection, project: int) -> Shared | None:
        view = view_now(ledger, project, agents_own(config.agents))
        if not has_past(view):  # at most what others shared
            return None
        facts = Facts(git_now(Path(view.root)), files_now(view))
        handoff = make(view, facts, now_ms=now_ms(), resume="silent")
        return _filled(blank, ledger, project, handoff) if handoff is not None else None

    made = of_recorded(state, root, composed)
    if made is None:
        raise UserError(f"{nothing_recorded(root)} So there is nothing to share.", ExitCode.NOTHING_FOUND)
    return made


def _line(text: str) -> str:
    return one_line(quoting.one_line(text), LINE_CHARS)


def _filled(blank: Bundle, ledger: sqlite3.Connection, project: int, handoff: Handoff) -> Shared:
    rows = work_sessions(ledger, project, limit=_MOST_SESSIONS)
    documents: list[Document] = []
    home = _HomePaths()
    text = home.hidden(_text(handoff))
    room, left_out = LARGEST_TEXT - len(text), 0
    for row, turns in _chosen(rows, handoff, blank.depth):
        if room <= len(_CUT):
            left_out += 1
            continue
        found = home.hidden(session_document(ledger, row, "md", full=turns is None, turns=turns))
        found = found if len(found) <= room else _CUT + found[len(found) - room + len(_CUT) :]
        room -= len(found)
        part = f" (turns {', '.join(map(str, sorted(turns)))})" if turns is not None else ""
        title = one_line(home.hidden(shown_title(ledger, row)) or row.native_id, LINE_CHARS - 40)
        documents.append(Document(title=one_line(f"{title}{part}", LINE_CHARS), text=found))
    title = one_line(home.hidden(shown_title(ledger, rows[0])), LINE_CHARS) if rows else ""
    bundle = msgspec.structs.replace(blank, title=title, handoff=text, documents=tuple(documents))
    marks = Counter(kind for one in (text, *(document.text for document in documents)) for kind in _MARKS.findall(one))
    return Shared(bundle=bundle, secrets=dict(marks), home_paths=home.count, left_out=left_out)


def _text(handoff: Handoff) -> str:
    """Returns the sections alone: the header and the last line speak to the agents of this machine."""
    sections = (f"## {title}\n" + "\n".join(line for line, _ in lines) for title, lines in lay_out(handoff))
    return f"Last work: {iso_utc(handoff.updated_ms)}, {handoff.agent}\n\n" + "\n\n".join(sections) + "\n"


def _chosen(rows: list[SessionRow], handoff: Handoff, depth: Depth) -> Iterator[tuple[SessionRow, set[int] | None]]:
    """Yields the sessions to share, newest first, with the turns of each that are needed; None for all of them."""
    sources: dict[tuple[str, str], set[int]] = {}
    for _, lines in lay_out(handoff):
        for source in (source for _, entry in lines for source in entry.sources):
            if source.turn is not None:
                sources.setdefault((source.agent, source.session), set()).add(source.turn)
    for at, row in enumerate(rows):
        turns = sources.get((row.agent, row.native_id))
        if depth == "all" or (depth == "session" and at == 0):
            yield row, None
        elif turns is not None:
            yield row, turns


class _HomePaths:
    """Puts ~ in place of the path of the home folder, also as some agents make names of it."""

    def __init__(self) -> None:
        homes = {str(Path.home()), str(Path.home().resolve())} - {"/"}
        plain = "|".join(re.escape(home) for home in sorted(homes))
        named = "|".join(re.escape(re.sub(r"[^A-Za-z0-9]", "-", home)) for home in sorted(homes))
        self._paths = re.compile(rf"(?<![\w.-])(?:{plain})(?![\w-]|\.\w)|(?<![\w-])(?:{named})(?=-)") if homes else None
        self.count = 0

    def hidden(self, text: str) -> str:
        """Returns the text without secrets, hidden characters and the path of the home folder."""
        shown, count = self._paths.subn("~", text) if self._paths is not None else (text, 0)
        self.count += count
        return quoting.safe(shown).text
