"""Carries out edits of files outside the state folder: one atomic replace per file, listed in the journal first, so
that all of it can be undone. A failure does not stop the others.

Install, refresh and uninstall edit agents' settings and projects with `apply`; publishing and withdrawing edit one
project in a `Pass` (`carryover.outside.in_project`). Both go through `carry_out`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from carryover.errors import ExitCode, UserError, os_reason, visible
from carryover.fsio import FileLock, is_there, private_dir, read_if_there
from carryover.outside.journal import Journal, load_journal, read_journal, write_down
from carryover.outside.listed import Listed, fingerprint
from carryover.outside.swap import BeingChanged, own_links, swap
from carryover.paths import STORE, StateDir
from carryover.probe.ignore_rules import SIZE_LIMIT_BYTES
from carryover.redact import clean
from carryover.text.user_text import UNKNOWN, EditRefused, Origin

_LARGEST_SETTINGS: Final = 64 << 20
_TRIES: Final = 4
_TEXT_SUFFIXES: Final = (".md", ".markdown", ".mdc", ".txt")
_NEVER_IN: Final = frozenset((".git", STORE))

Putting = Callable[[bytes | None], bytes | None]
"""Maps a file's bytes (None: missing) to the ones with our text (None: no file). May raise `EditRefused`."""
Taking = Callable[[bytes, Origin], bytes | None]
"""Maps a file's bytes, and the origin that is listed for our text in them, to the ones without it (None: delete the
file). May raise `EditRefused`."""
OriginOf = Callable[[bytes | None, Origin | None], Origin]
"""Maps a file's bytes before the edit, and the origin recorded for what of ours is in them, to the one to record."""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """Our text in a file: how it is put in, and taken out again byte for byte.

    edit = plan_edit(text)         # to take it out again: plan_edit(text, out=True)
    done = carry_out(edit, state)
    """

    path: Path
    what: str
    """The text, for people: `hooks of Claude Code`."""
    put: Putting = lambda data: data
    take: Taking = lambda data, _: data
    """What it does not give back byte for byte is not put in."""
    is_in: Callable[[bytes], bool] = lambda _: True
    """Whether the text is in a file, which is listed only then."""
    name: str = ""
    """The file of a project, as notes name it."""
    remedy: str = "Fix that, then run this again."
    """What to do if the file has to be left alone, as a sentence."""
    listed: Listed | None = None
    """Its line in the journal; None for a file that is not listed, as it is ours or found in another way."""
    origin: OriginOf | None = None
    """For an agent's settings: returns the origin to record."""
    root: Path | None = None
    """The project that a file is in; None for an agent's settings, and for ours."""
    follows: bool = True
    """Whether a symlink in its place is followed: in a project only to another text file there, since a cloned
    repository may contain any link."""
    obstacle: str | None = None
    """Why the file has to be left alone whatever is in it, as a clause."""

    def without(self, data: bytes | None, origin: Origin = UNKNOWN) -> bytes | None:
        """Returns the bytes of a file, which may be missing, without our text. Raises EditRefused."""
        return self.take(data, origin) if data is not None else None

    def found(self) -> bytes:
        """Returns what is in the file; nothing if it does not exist or may not be read."""
        try:
            return read_target(self) or b""
        except (EditRefused, OSError):
            return b""


EditOutcome = Literal["unchanged", "created", "changed", "removed", "left alone"]


class Edit(msgspec.Struct, frozen=True):
    """Our text put into a file, or taken `out`: in memory, or once `carry_out` has returned it, on the disk."""

    text: Text
    before: bytes | None
    after: bytes | None
    reason: str | None = None
    """Why the file is left alone, as a clause; None if it is not."""
    out: bool = False

    @property
    def path(self) -> Path:
        """The path of the edited file."""
        return self.text.path

    @property
    def changes(self) -> bool:
        """Whether the edit writes anything."""
        return self.reason is None and self.before != self.after

    @property
    def outcome(self) -> EditOutcome:
        """What becomes of the file."""
        if not self.changes:
            return "unchanged" if self.reason is None else "left alone"
        if self.before is None:
            return "created"
        return "removed" if self.after is None else "changed"

    @property
    def has_ours(self) -> bool:
        """Whether our text is in the file afterwards."""
        return not self.out and self.after is not None and self.text.is_in(self.after)

    @property
    def problem(self) -> str | None:
        """Why the file is left alone and what to do, in whole sentences; None if it is not."""
        return None if self.reason is None else f"{self.path} is left alone: {self.reason}. {self.text.remedy}"

    @property
    def diff(self) -> str:
        """The unified diff to show, without secrets. Empty if nothing changes."""
        if not self.changes:
            return ""
        import difflib

        name = visible(str(self.path))
        lines = difflib.unified_diff(
            _lines(self.before),
            _lines(self.after),
            "/dev/null" if self.before is None else name,
            "/dev/null" if self.after is None else name,
        )
        whole = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
        return clean(whole)


def plan_edit(text: Text, *, out: bool = False) -> Edit:
    """Reads the file and works out the edit. Never raises for an obstacle, which becomes the edit's `problem`."""
    before = None
    try:
        before = read_target(text)
        listed = text.listed.origin if text.listed is not None else UNKNOWN
        after = text.without(before, listed) if out else text.put(before)
        reason = None if after == before else obstacle(text.path)
    except EditRefused as error:
        return Edit(text, before, before, str(error), out)
    except OSError as error:
        return Edit(text, before, before, os_reason(error), out)
    return Edit(text, before, after, reason, out)


def read_target(text: Text) -> bytes | None:
    """Returns the file's current bytes; None if it does not exist. Raises EditRefused if there is an obstacle, and
    OSError if it can't be read, is too large, is not a regular file, or is a symlink that is not followed."""
    if text.obstacle is not None:
        raise EditRefused(text.obstacle)
    if text.path.is_symlink():
        if not text.follows:
            raise OSError(errno.ELOOP, "it is a symlink")
        if text.root is not None:
            _check_link(text.path, text.root)
    limit_bytes = _LARGEST_SETTINGS if text.root is None else SIZE_LIMIT_BYTES
    return read_if_there(text.path, limit_bytes, follow=text.follows)


def _check_link(path: Path, top: Path) -> None:
    real_top = Path(os.path.realpath(top))
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(real_top):
        raise OSError(errno.ELOOP, "it is a symlink that leads out of the project")
    inside = target.relative_to(real_top).parts
    if not _NEVER_IN.isdisjoint(inside) or target.suffix.lower() not in _TEXT_SUFFIXES:
        raise OSError(errno.ELOOP, "it is a symlink to something other than an instruction file")
    if target.is_symlink():
        raise OSError(errno.ELOOP, "it is a symlink that leads back to itself")
    if not target.exists():
        raise OSError(errno.ENOENT, "it is a symlink to a file that does not exist")


def obstacle(path: Path) -> str | None:
    """Returns why a file is not to be edited, as a clause; None if it may be."""
    real = Path(os.path.realpath(path))
    with contextlib.suppress(OSError):  # it is not there, or its folder lets nobody in
        found = real.stat()
        if found.st_uid != os.geteuid():
            return "it belongs to another user"
        if not found.st_mode & stat.S_IWUSR:
            return "it is read-only"
        if found.st_nlink > 1 + len(own_links(real)):
            return "it has a second hard link, which an edit would cut off"
    folder = next(parent for parent in real.parents if is_there(parent))
    return None if os.access(folder, os.W_OK | os.X_OK) else f"its folder {folder} can't be written"


def _lines(data: bytes | None) -> list[str]:
    """Returns the lines of a file without secrets. These are hidden first: a diff may have only the end of a key."""
    text = clean((data or b"").decode(errors="replace"))
    return re.findall(r"[^\n]*\n|[^\n]+", text)


LOCK: Final = "edits.lock"


def apply(edits: Sequence[Edit], state: StateDir) -> tuple[Edit, ...]:
    """Carries out all edits, if any is needed, and returns them as they were done. Raises UserError if the journal
    can't be read or another command is editing; then nothing was changed."""
    journal = load_journal(state)
    if not any(is_needed(edit, journal) for edit in edits):
        return tuple(edits)
    private_dir(state.root)
    lock = FileLock(state.root / LOCK)
    if not lock.acquire():
        raise UserError(
            f"Another `carryover` command (process {lock.holder()}) is editing files right now. "
            "Nothing was changed. Run this again when it has finished.",
            ExitCode.REFUSED,
        )
    try:
        return tuple(carry_out(edit, state.root) for edit in edits)
    finally:
        lock.release()


def is_needed(edit: Edit, journal: Journal) -> bool:
    """Whether an edit would change its file, or what the journal says of the place."""
    listed = edit.text.listed
    if edit.changes or listed is None or edit.reason is not None:
        return edit.changes
    known = journal.known(listed)
    if not edit.has_ours:
        return known is not None
    # What is in a project's file already came with the repository.
    return edit.text.root is None and (known is None or known.place != listed.place)


def carry_out(edit: Edit, state: Path) -> Edit:
    """Writes one file, with its line in the journal, and returns the edit as it was done. If the file changed since the
    edit was planned, it is planned again."""
    for left in reversed(range(_TRIES)):
        try:
            if edit.reason is None and read_target(edit.text) != edit.before:
                edit = plan_edit(edit.text, out=edit.out)
            journal = read_journal(state)
            if is_needed(edit, journal):
                do = _put if edit.has_ours else _take
                do(edit, state, journal)
            break
        except EditRefused as error:
            return replace(edit, reason=str(error))
        except OSError as error:
            if not (left and isinstance(error, BeingChanged)):
                return replace(edit, reason=os_reason(error))
    return edit


def _put(edit: Edit, state: Path, journal: Journal) -> None:
    """Writes the journal first: a kill leaves nothing of ours that is not listed. Raises OSError if the file can't be
    written, or changed since it was planned; EditRefused if the edit could not be undone."""
    write_down(state, *_entries(edit, journal))
    try:
        _write(edit)
    except OSError:
        _remove_folders(edit.path, read_journal(state), state)
        if (entry := edit.text.listed) is not None:
            # What the file was listed as stands again, instead of the new line if both are of one place.
            undone = filter(None, (replace(entry, gone=True), journal.known(entry)))
            write_down(state, *{one.place: one for one in undone}.values())
        raise


def _entries(edit: Edit, journal: Journal) -> Iterator[Listed]:
    """Yields what the journal is to say of an edit: the folders that it makes, and the file by this path alone."""
    text, entry = edit.text, edit.text.listed
    root = str(text.root) if text.root is not None else ""
    for folder in _missing_folders(edit.path) if edit.changes else ():
        yield Listed(path=str(folder), form="folder", root=root)
    if entry is None:
        return
    yield _line(edit, entry, journal)
    former = journal.known(entry)
    if former is not None and former.place != entry.place:  # the same file by another path
        yield replace(former, gone=True)


def _line(edit: Edit, entry: Listed, journal: Journal) -> Listed:
    text = edit.text
    if text.origin is not None:
        entry = replace(entry, origin=_origin(text.origin, edit.before, entry, journal))
    before, after = (text.without(data, entry.origin) for data in (edit.before, edit.after))
    if before == edit.before and after != before:  # nothing of ours was in it
        raise EditRefused("what is put in could not be taken out again byte for byte")
    return replace(entry, before=fingerprint(before), after=fingerprint(edit.after))


def _origin(origin_of: OriginOf, before: bytes | None, entry: Listed, journal: Journal) -> Origin:
    """Returns what the file was before ours. If it was made for its hooks, it also counts as made for its server, or
    the reverse: whichever is taken out last deletes it."""
    known = journal.known(entry)
    origin = origin_of(before, known.origin if known is not None else None)
    beside = journal.at(Path(entry.path), server=not entry.is_server)
    return origin if beside is None else replace(origin, missing=beside.origin.missing, blank=beside.origin.blank)


def _take(edit: Edit, state: Path, journal: Journal) -> None:
    """Writes the journal last, for the same reason. Raises what `_put` does."""
    known = journal.known(edit.text.listed) if edit.text.listed is not None else None
    is_as_left = known is not None and edit.changes and fingerprint(edit.before) == known.after
    if known is not None and is_as_left and fingerprint(edit.after) != known.before:
        raise EditRefused("taking ours out would not leave what was there before")
    _write(edit)
    _remove_folders(edit.path, journal, state)
    if known is not None:
        write_down(state, replace(known, gone=True))


def _write(edit: Edit) -> None:
    if not edit.changes:
        return
    text = edit.text
    if edit.after is not None:
        for folder in _missing_folders(edit.path):
            folder.mkdir()  # with the mode that the owner of the settings would have given it
    if read_target(text) != edit.before:
        raise BeingChanged
    mode = 0o600 if edit.before is None and text.root is None else None  # settings may later contain tokens
    target = Path(os.path.realpath(edit.path)) if text.follows else edit.path
    for link in own_links(target):
        link.unlink()
    swap(target, edit.before, edit.after, mode=mode)


def _missing_folders(path: Path) -> list[Path]:
    missing = takewhile(lambda folder: not folder.exists(), Path(os.path.realpath(path)).parents)
    return list(missing)[::-1]


def _remove_folders(path: Path, journal: Journal, state: Path) -> None:
    """Removes the folders that were made for a file and are empty now."""
    gone = []
    for folder in Path(os.path.realpath(path)).parents:
        for entry in (one for one in journal.live if (one.form, one.path) == ("folder", str(folder))):
            with contextlib.suppress(OSError):  # gone, or it contains something of the user's
                folder.rmdir()
            if not folder.exists():
                gone.append(replace(entry, gone=True))
    write_down(state, *gone)
