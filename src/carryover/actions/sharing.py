"""Makes what is shared with another person: a project's handoff with its sources, encrypted to that person's keys."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from carryover.actions.bundle import LARGEST_FILE, LARGEST_TEXT, LINE_CHARS, Bundle, SharedDocument, packed
from carryover.config import Config, refuse_excluded
from carryover.distill.handoff import Handoff
from carryover.distill.render import lay_out
from carryover.distill.view import has_past
from carryover.errors import ExitCode, UserError
from carryover.export import quoting
from carryover.facts import Facts
from carryover.fsio import read_bytes_bounded
from carryover.ledger.queries import sessions
from carryover.ledger.rows import SessionRow
from carryover.past.context import nothing_recorded, now_ms, settings_to_print, state_dir
from carryover.past.exporting import session_document, shown_title
from carryover.past.opened import Want, opened
from carryover.paths import expanded
from carryover.probe.checkout import Checkout
from carryover.publish.make import files_now, git_now, make, view_now
from carryover.records.fields import iso_utc
from carryover.sync.sealing import is_recipient, seal_for
from carryover.text.harmless import one_line
from carryover.text.reset_times import on_this_machine

TOO_LONG: Final = "Left out: it is too long."
_KEY: Final = re.compile(
    r"^(?!#)(?:.*[ \t])?(age1[0-9a-z]{20,}|ssh-(?:ed25519|rsa) [0-9A-Za-z+/]{40,}=*)(?:\s|$)", re.MULTILINE
)
_MOST_BYTES: Final = 64 << 10


def keys_in(to: str) -> list[str]:
    """Returns a person's public keys: `to` is one, or the name of a file with one per line, in which others may stand.

    Raises UserError (USAGE) if there is none that age can encrypt to.
    """
    text = to
    if _KEY.search(to) is None:
        try:
            text = read_bytes_bounded(Path(expanded(to)), _MOST_BYTES).decode("utf-8", "replace")
        except (OSError, ValueError):
            text = ""
    keys = [*dict.fromkeys(filter(is_recipient, _KEY.findall(text)))]
    if not keys:
        raise UserError(
            f"{to} is neither a public key that age can encrypt to nor a file with one. Nothing was written. Name the "
            "public key of the person who is to read it: age1…, or an ssh key in quotes, 'ssh-ed25519 AAAA…'.",
            ExitCode.USAGE,
        )
    return keys


def compose(root: str, sender: str | None) -> Bundle:
    """Makes a bundle of the project at `root`, in the name of `sender` or of the user. Raises UserError if the project
    has no work or is excluded."""
    config = settings_to_print(state_dir())
    refuse_excluded(root, config)
    with opened(Want.FRESH, root) as (ledger, row):
        handoff = _handoff(ledger, row.id, config) if row is not None else None
        if row is None or handoff is None:
            raise UserError(f"{nothing_recorded(root)} So there is nothing to share.", ExitCode.NOTHING_FOUND)
        newest = sessions(ledger, row.id, limit=500, notes=False)
        # The sections alone: the header and the last line speak to the agents of this machine.
        sections = (f"## {title}\n" + "\n".join(line for line, _ in lines) for title, lines in lay_out(handoff))
        last_work = f"Last work: {iso_utc(handoff.updated_ms)}, {handoff.agent}"
        return Bundle(
            sender=_line(sender or os.environ.get("USER") or "someone"),
            host=_line(os.uname().nodename),
            project=_line(Path(root).name),
            title=_line(_hidden(shown_title(ledger, newest[0]))) if newest else "",
            made_ms=now_ms(),
            handoff=_hidden("\n\n".join((last_work, *sections)) + "\n"),
            documents=tuple(_documents(ledger, newest, handoff)),
        )


def encrypted(bundle: Bundle, keys: Sequence[str]) -> bytes:
    """Returns the content of the file that only the owner of the keys can open. Raises UserError if it is too large."""
    try:
        data = seal_for(keys, packed(bundle))
    except ValueError as error:
        raise UserError(f"{len(keys)} keys are too many. Nothing was written. Name fewer.", ExitCode.REFUSED) from error
    if len(data) > LARGEST_FILE:
        raise UserError(f"It would be larger than {LARGEST_FILE >> 20} MiB. Nothing was written.", ExitCode.REFUSED)
    return data


def _line(text: str) -> str:
    return one_line(quoting.quoted_line(text), LINE_CHARS)


def _handoff(ledger: sqlite3.Connection, project: int, config: Config) -> Handoff | None:
    """Returns the handoff of a project; None if it has none, or at most what others shared."""
    view = view_now(ledger, project, config)
    if not has_past(view):
        return None
    facts = Facts(git_now(Checkout(Path(view.root))), files_now(view), clock=on_this_machine)
    return make(view, facts, now_ms=now_ms(), resume="silent")


def _documents(ledger: sqlite3.Connection, newest: Sequence[SessionRow], handoff: Handoff) -> Iterator[SharedDocument]:
    """Yields the turns that lines of the handoff come from, of the newest session first, as far as there is room."""
    needed: dict[tuple[str, str], set[int]] = {}
    for source in (source for _, lines in lay_out(handoff) for _, entry in lines for source in entry.sources):
        if source.turn is not None:
            needed.setdefault((source.agent, source.session), set()).add(source.turn)
    room = LARGEST_TEXT // 2  # a handoff of fifty lines needs less than the other half
    for session in newest:
        if turns := needed.get((session.agent, session.native_id)):
            title = _hidden(shown_title(ledger, session)) or session.native_id
            text = _hidden(session_document(ledger, session, "md", full=False, turns=turns))
            fits = len(text) <= room
            room -= len(text) if fits else 0
            part = f" ({'turn' if len(turns) == 1 else 'turns'} {', '.join(map(str, sorted(turns)))})"
            yield SharedDocument(
                one_line(one_line(title, LINE_CHARS - 40) + part, LINE_CHARS), text if fits else TOO_LONG
            )


def _hidden(text: str) -> str:
    """Returns the text without secrets and hidden characters, and with ~ in place of the path of the home folder, also
    as some agents make names of it.

    >>> _hidden(f"cd {Path.home()}/shop")
    'cd ~/shop'
    """
    for home in {str(Path.home()), str(Path.home().resolve())} - {"/"}:
        named = re.escape(re.sub(r"[^A-Za-z0-9]", "-", home))
        text = re.sub(rf"(?<![\w.-]){re.escape(home)}(?![\w-]|\.\w)|(?<![\w-]){named}(?=-)", "~", text)
    return quoting.safe(text)
