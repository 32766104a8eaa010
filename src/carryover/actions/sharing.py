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

from carryover.config import Config, refuse_excluded
from carryover.distill.handoff import Handoff
from carryover.distill.render import lay_out
from carryover.distill.view import has_past
from carryover.errors import ExitCode, UserError
from carryover.export import quoting
from carryover.facts import Facts
from carryover.ledger.queries import work_sessions
from carryover.ledger.rows import SessionRow
from carryover.past.context import agents_own, nothing_recorded, now_ms, project_root, settings_to_print, state_dir
from carryover.past.exporting import session_document, shown_title
from carryover.past.opened import Want, opened
from carryover.probe.checkout import Checkout
from carryover.publish.make import files_now, git_now, make, view_now
from carryover.records.fields import iso_utc
from carryover.redact.values import MARK
from carryover.sync.bundle import LARGEST_FILE, LARGEST_TEXT, Bundle, Depth, Document, Readers, packed, readers
from carryover.sync.sealing import seal_for
from carryover.terminal.output import counted
from carryover.text.harmless import one_line
from carryover.text.reset_times import on_this_machine

LINE_CHARS: Final = 120
_CUT: Final = "[The beginning is left out: all of it would be too long.]\n\n"
_MARKS: Final = re.compile(rf"{re.escape(MARK)}([\w-]+)\]")


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle of the project at `root`, for its readers. `secrets`: how many marks stand for secrets, by kind;
    `left_out`: how many sessions did not fit."""

    root: str
    readers: Readers
    bundle: Bundle
    secrets: dict[str, int]
    home_paths: int
    left_out: int


def compose(
    project: str | None, keys: Sequence[str], sender: str | None, *, depth: Depth, expires_s: int | None
) -> Shared:
    """Makes a bundle of the project that `project` is in, in the name of `sender` or of the user.

    `keys`: who can open it, see `readers`. Raises UserError if a key is unusable, or the project has no work or is
    excluded.
    """
    to = readers(keys)
    root = project_root(project, must_exist=True)
    made_ms = now_ms()
    config = settings_to_print(state_dir())
    refuse_excluded(root, config)
    about = Bundle(
        sender=_line(sender or _own_name()),
        host=_line(os.uname().nodename),
        project=_line(Path(root).name),
        title="",
        made_ms=made_ms,
        expires_ms=made_ms + expires_s * 1000 if expires_s is not None else None,
        depth=depth,
        handoff="",
    )
    with opened(Want.FRESH, root) as (ledger, row):
        handoff = _handoff(ledger, row.id, config) if row is not None else None
        if row is not None and handoff is not None:
            sessions = work_sessions(ledger, row.id, limit=500)
            home = _HomePaths()
            bundle, left_out = _filled(about, ledger, sessions, handoff, home)
            texts = (bundle.handoff, *(document.text for document in bundle.documents))
            return Shared(
                root=root,
                readers=to,
                bundle=bundle,
                secrets=dict(Counter(kind for text in texts for kind in _MARKS.findall(text))),
                home_paths=home.count,
                left_out=left_out,
            )
    raise UserError(f"{nothing_recorded(root)} So there is nothing to share.", ExitCode.NOTHING_FOUND)


def encrypted(shared: Shared) -> bytes:
    """Returns the content of the file that only its readers can open. Raises UserError if it is too large."""
    keys = [recipient.key for recipient in shared.readers.keys]
    try:
        data = seal_for(keys, packed(shared.bundle))
    except ValueError as error:
        raise UserError(
            f"{counted(len(keys), 'key')} of this size are too many. Nothing was written. Make several files.",
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


def _line(text: str) -> str:
    return one_line(quoting.one_line(text), LINE_CHARS)


def _handoff(ledger: sqlite3.Connection, project: int, config: Config) -> Handoff | None:
    """Returns the handoff of a project; None if it has none, or at most what others shared."""
    view = view_now(ledger, project, agents_own(config.agents))
    if not has_past(view):
        return None
    facts = Facts(git_now(Checkout(Path(view.root))), files_now(view), clock=on_this_machine)
    return make(view, facts, now_ms=now_ms(), resume="silent")


def _filled(
    about: Bundle, ledger: sqlite3.Connection, sessions: list[SessionRow], handoff: Handoff, home: _HomePaths
) -> tuple[Bundle, int]:
    """Returns the bundle with its texts, and how many sessions did not fit."""
    # The sections alone: the header and the last line speak to the agents of this machine.
    sections = (f"## {title}\n" + "\n".join(line for line, _ in lines) for title, lines in lay_out(handoff))
    last_work = f"Last work: {iso_utc(handoff.updated_ms)}, {handoff.agent}"
    text = home.hidden("\n\n".join((last_work, *sections)) + "\n")
    documents: list[Document] = []
    room, left_out = LARGEST_TEXT - len(text), 0
    for session, turns in _chosen(sessions, handoff, about.depth):
        if room <= len(_CUT):
            left_out += 1
            continue
        whole = home.hidden(session_document(ledger, session, "md", full=turns is None, turns=turns))
        shown = whole if len(whole) <= room else _CUT + whole[len(whole) - room + len(_CUT) :]
        room -= len(shown)
        part = f" (turns {', '.join(map(str, sorted(turns)))})" if turns is not None else ""
        title = one_line(home.hidden(shown_title(ledger, session)) or session.native_id, LINE_CHARS - 40)
        documents.append(Document(title=one_line(f"{title}{part}", LINE_CHARS), text=shown))
    title = one_line(home.hidden(shown_title(ledger, sessions[0])), LINE_CHARS) if sessions else ""
    bundle = msgspec.structs.replace(about, title=title, handoff=text, documents=tuple(documents))
    return bundle, left_out


def _chosen(rows: list[SessionRow], handoff: Handoff, depth: Depth) -> Iterator[tuple[SessionRow, set[int] | None]]:
    """Yields the sessions to share, newest first, with the turns of each that are needed; None for all of them."""
    needed: dict[tuple[str, str], set[int]] = {}
    for source in (source for _, lines in lay_out(handoff) for _, entry in lines for source in entry.sources):
        if source.turn is not None:
            needed.setdefault((source.agent, source.session), set()).add(source.turn)
    for place, row in enumerate(rows):
        if depth == "all" or (depth == "session" and place == 0):
            yield row, None
        elif (turns := needed.get((row.agent, row.native_id))) is not None:
            yield row, turns


class _HomePaths:
    """Puts ~ in place of the path of the home folder, also as some agents make names of it.

    >>> paths = _HomePaths()
    >>> paths.hidden(f"cd {Path.home()}/shop"), paths.count
    ('cd ~/shop', 1)
    """

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
