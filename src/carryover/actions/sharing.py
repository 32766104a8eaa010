"""Makes what is shared with another person: a project's handoff with its sources, encrypted to that person's keys."""

from __future__ import annotations

import os
import pwd
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.config import refuse_excluded
from carryover.distill.handoff import Handoff
from carryover.distill.render import lay_out
from carryover.distill.view import has_past
from carryover.errors import ExitCode, UserError
from carryover.export import quoting
from carryover.facts import Facts
from carryover.ledger.queries import work_sessions
from carryover.ledger.rows import SessionRow
from carryover.past.context import (
    agents_own,
    nothing_recorded,
    now_ms,
    settings_to_print,
    state_dir,
)
from carryover.past.exporting import session_document, shown_title
from carryover.past.opened import Want, opened
from carryover.publish.make import files_now, git_now, make, view_now
from carryover.records.fields import iso_utc
from carryover.redact.values import MARK
from carryover.sync.bundle import LARGEST_FILE, LARGEST_TEXT, Bundle, Depth, Document, Recipient, packed, recipients
from carryover.sync.sealing import seal_for
from carryover.terminal.output import counted, one_line
from carryover.text.reset_times import on_this_machine

LINE_CHARS: Final = 120
_CUT: Final = "[The beginning is left out: all of it would be too long.]\n\n"
_MARKS: Final = re.compile(rf"{re.escape(MARK)}([\w-]+)\]")


class Readers(msgspec.Struct, frozen=True):
    """Who can open a file: their keys. `left_out`: the kinds of those keys that can't be encrypted to."""

    keys: list[Recipient]
    left_out: list[str]


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle. `secrets`: how many marks stand for secrets, by kind. `left_out`: how many sessions did not fit."""

    bundle: Bundle
    secrets: dict[str, int]
    home_paths: int
    left_out: int


def readers(given: Sequence[str]) -> Readers:
    """Returns the keys that the user names, themselves or as files. Raises UserError if one names none."""
    return Readers(*recipients(given))


def compose(root: str, sender: str | None, depth: Depth, expires_s: int | None) -> Shared:
    """Makes a bundle of the project at `root`, in the name of `sender` or of the user.

    Raises UserError if it has no work or is excluded.
    """
    made_ms = now_ms()
    config = settings_to_print(state_dir())
    refuse_excluded(root, config)
    names = (sender or _own_name(), os.uname().nodename, Path(root).name)
    sender, host, name = (one_line(quoting.one_line(each), LINE_CHARS) for each in names)
    blank = Bundle(
        sender=sender,
        host=host,
        project=name,
        title="",
        made_ms=made_ms,
        expires_ms=made_ms + expires_s * 1000 if expires_s is not None else None,
        depth=depth,
        handoff="",
    )

    def composed(ledger: sqlite3.Connection, project: int) -> Shared | None:
        view = view_now(ledger, project, agents_own(config.agents))
        if not has_past(view):  # at most what others shared
            return None
        facts = Facts(git_now(Path(view.root)), files_now(view), clock=on_this_machine)
        handoff = make(view, facts, now_ms=now_ms(), resume="silent")
        return _filled(blank, ledger, project, handoff) if handoff is not None else None

    with opened(Want.FRESH, root) as (ledger, project):
        made = composed(ledger, project.id) if project is not None else None
    if made is None:
        raise UserError(f"{nothing_recorded(root)} So there is nothing to share.", ExitCode.NOTHING_FOUND)
    return made


def encrypted(bundle: Bundle, to: Readers) -> bytes:
    """Returns the content of the file that only these readers can open. Raises UserError if it is too large."""
    try:
        data = seal_for((recipient.key for recipient in to.keys), packed(bundle))
    except ValueError as error:
        raise UserError(
            f"{counted(len(to.keys), 'key')} of this size are too many. Nothing was written. Make several files.",
            ExitCode.REFUSED,
        ) from error
    if len(data) > LARGEST_FILE:
        raise UserError(
            f"It would be larger than {LARGEST_FILE >> 20} MiB. Nothing was written. Share less with --depth.",
            ExitCode.REFUSED,
        )
    return data


def _own_name() -> str:
    """Returns the user's full name as the system knows it, else the login name."""
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return "someone"
    return entry.pw_gecos.partition(",")[0].strip() or entry.pw_name


def _filled(blank: Bundle, ledger: sqlite3.Connection, project: int, handoff: Handoff) -> Shared:
    rows = work_sessions(ledger, project, limit=500)
    documents: list[Document] = []
    home = _HomePaths()
    # The sections alone: the header and the last line speak to the agents of this machine.
    sections = (f"## {title}\n" + "\n".join(line for line, _ in lines) for title, lines in lay_out(handoff))
    last_work = f"Last work: {iso_utc(handoff.updated_ms)}, {handoff.agent}"
    text = home.hidden("\n\n".join((last_work, *sections)) + "\n")
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


def _chosen(rows: list[SessionRow], handoff: Handoff, depth: Depth) -> Iterator[tuple[SessionRow, set[int] | None]]:
    """Yields the sessions to share, newest first, with the turns of each that are needed; None for all of them."""
    needed: dict[tuple[str, str], set[int]] = {}
    for source in (source for _, lines in lay_out(handoff) for _, entry in lines for source in entry.sources):
        if source.turn is not None:
            needed.setdefault((source.agent, source.session), set()).add(source.turn)
    for at, row in enumerate(rows):
        if depth == "all" or (depth == "session" and at == 0):
            yield row, None
        elif (turns := needed.get((row.agent, row.native_id))) is not None:
            yield row, turns


class _HomePaths:
    """Puts ~ in place of the path of the home folder, also as some agents make names of it."""

    def __init__(self) -> None:
        homes = sorted({str(Path.home()), str(Path.home().resolve())} - {"/"})
        plain = "|".join(map(re.escape, homes))
        named = "|".join(re.escape(re.sub(r"[^A-Za-z0-9]", "-", home)) for home in homes)
        pattern = rf"(?<![\w.-])(?:{plain})(?![\w-]|\.\w)|(?<![\w-])(?:{named})(?=-)" if homes else "(?!)"
        self._paths, self.count = re.compile(pattern), 0

    def hidden(self, text: str) -> str:
        """Returns the text without secrets, hidden characters and the path of the home folder."""
        shown, count = self._paths.subn("~", text)
        self.count += count
        return quoting.safe(shown).text
