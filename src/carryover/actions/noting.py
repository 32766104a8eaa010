"""Records a text from outside, such as a web chat's answer, as a note, which the next handoff mentions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import msgspec

from carryover.actions.importing import import_document
from carryover.clock import utc_now_ms
from carryover.config import load_config, refuse_excluded
from carryover.distill.own_text import without_handoffs
from carryover.distill.quotes import lines_of
from carryover.errors import ExitCode, UserError
from carryover.export.quoting import safe
from carryover.fsio import naming, private_dir, read_bytes_bounded, scratch_folder
from carryover.importing.candidate import Candidate
from carryover.importing.notes import Note, encoded, note_id
from carryover.ledger.connect import LedgerUnavailable, is_made, reading
from carryover.ledger.queries import project_of_session
from carryover.model import NOTE
from carryover.past.context import project_root, refuse_paused, state_dir
from carryover.paths import expanded
from carryover.terminal.output import warn
from carryover.text.harmless import one_line

LARGEST_NOTE: Final = 1 << 20
_SOURCE_CHARS: Final = 40
_TITLE_CHARS: Final = 100
_TITLE_WITHIN: Final = 4000
"""The beginning of a note, in whose first line a title is looked for."""
_USUAL_SOURCE: Final = "a web chat"


class Noted(msgspec.Struct, frozen=True):
    """A note that is recorded in the `project` with this root. `session`: the id that `carryover show` knows it by."""

    session: str
    project: str
    title: str
    new: bool


def note(file: str, project: str | None, source: str | None, title: str | None) -> Noted:
    """Records the text of a file, or of standard input for `-`, without any part of an export copied along with it.

    `source`: who wrote it, a chat's id or any name. Raises UserError: REFUSED if nothing is recorded in the project
    now or the file is no text, NOTHING_FOUND if there is none, USAGE for an empty name.
    """
    root = project_to_note_in(project)
    refuse_paused("recorded")
    writer = _writer(source)
    text = _text(_content(file))
    about = safe(title or "").strip() or next(iter(lines_of(text[:_TITLE_WITHIN])), text)
    headline = f"Second opinion from {writer}: {one_line(about, _TITLE_CHARS)}"
    session, is_new = record_note(root, writer, headline, text)
    return Noted(session, root, headline, is_new)


def project_to_note_in(project: str | None) -> str:
    """Returns the root of a project for what comes from outside. Raises UserError (REFUSED) if it is excluded."""
    root = project_root(project, must_exist=True)
    refuse_excluded(root, load_config(state_dir().config))
    return root


def _writer(source: str | None) -> str:
    name = one_line(source or "", _SOURCE_CHARS)
    if source is not None and not name:
        raise UserError("--from needs a name, such as chatgpt. Nothing was recorded.", ExitCode.USAGE)
    from carryover.past.chat_document import web_chats  # not at the top: a pin needs no chat

    chat = web_chats().get(name.lower())
    return chat.name if chat is not None else name or _USUAL_SOURCE


def _content(file: str) -> bytes:
    try:
        if file == "-":
            if sys.stdin.isatty():
                warn("Paste the answer, then press Ctrl-D on an empty line.")
            return sys.stdin.buffer.read(LARGEST_NOTE + 1)
        return read_bytes_bounded(Path(expanded(file)), LARGEST_NOTE)
    except KeyboardInterrupt as error:
        raise UserError("Interrupted. Nothing was recorded.", ExitCode.INTERRUPTED) from error
    except FileNotFoundError as error:
        raise UserError(f"There is no file {file}. Nothing was recorded.", ExitCode.NOTHING_FOUND) from error
    except OSError as error:
        raise UserError(f"{file} can't be read: {error.strerror}. Nothing was recorded.") from error


def _text(content: bytes) -> str:
    if len(content) > LARGEST_NOTE:
        raise UserError(f"The text is longer than {LARGEST_NOTE >> 20} MiB. Nothing was recorded.", ExitCode.REFUSED)
    if b"\0" in content:
        raise UserError("That is not a text. Nothing was recorded.", ExitCode.REFUSED)
    given = content.decode("utf-8-sig", "replace")
    text = safe(without_handoffs(given)).strip()
    if not text:
        what = "The text is Carryover's own, such as an export" if safe(given).strip() else "The text is empty"
        raise UserError(f"{what}. Nothing was recorded.", ExitCode.NOTHING_FOUND)
    return text


def record_note(root: str, source: str, title: str, text: str) -> tuple[str, bool]:
    """Records a text from outside, such as a web chat's answer; returns its id and whether it is new."""
    session = note_id(root, source, text)
    if is_recorded(session):
        return session, False
    record(Note(session=session, at_ms=utc_now_ms(), root=root, title=title, text=text))
    return session, True


def record(note: Note) -> None:
    """Records a note. Raises UserError if the ledger does not take it."""
    state = state_dir()
    private_dir(state.root)
    # Goes through a file, since only a running daemon may write the ledger.
    with scratch_folder(state.root) as folder:
        path = folder / "note.json"
        with naming(path):
            path.write_bytes(encoded(note))
        file = Candidate(path, own_folder=state.root)
        try:
            report = import_document(file, again=True, otherwise="Nothing was recorded.")
        except LedgerUnavailable as error:  # which says that nothing is lost: of a transcript that is true
            raise _not_recorded(str(error.__cause__ or error)) from error
    if report.problem is not None or not report.new_events:
        raise _not_recorded(report.problem or "the ledger did not take it")


def _not_recorded(why: str) -> UserError:
    return UserError(
        f"It was not recorded: {why.rstrip('.')}. `carryover doctor` finds what is wrong; then run it again."
    )


def is_recorded(session: str) -> bool:
    """Whether the ledger has the note with this id."""
    ledger = state_dir().ledger
    if not is_made(ledger):
        return False
    with reading(ledger) as db:
        return project_of_session(db, NOTE, session) is not None
