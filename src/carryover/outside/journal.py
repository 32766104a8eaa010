"""The journal: a line for each place outside the state folder that our text is put into, or taken out of.

    {"path": "/home/dev/AGENTS.md", "form": "text", "root": "/home/dev", "before": "6a2d...", "after": "c31b..."}
    {"path": "/home/dev/AGENTS.md", "form": "text", "root": "/home/dev", "gone": true}

It is only ever appended to, and the last line about a place holds. A line is written before the place is, so that all
that is ours is listed, whatever is killed when; a line whose effect never came does no harm. The journal is kept apart
from the ledger, which may be damaged or made again, and it is all that uninstalling needs.

What the records of trial versions say counts as lines before the first: see `carryover.outside.former`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import file_stamp, locked_dir, naming, open_regular, private_dir, read_bytes_bounded
from carryover.outside import former
from carryover.outside.listed import Listed
from carryover.paths import StateDir
from carryover.platform import here
from carryover.probe.memory import find_once

JOURNAL: Final = "journal.jsonl"
_LIMIT_BYTES: Final = 64 << 20


class Journal:
    """What the lines of the journal amount to: the places that may have our text."""

    def __init__(self, entries: Iterable[Listed | None] = ()) -> None:
        self._last: dict[tuple[object, ...], Listed] = {}
        self.is_damaged = False
        """Whether a line can't be read, because it was cut off or a disk lost data."""
        for entry in entries:
            if entry is None:
                self.is_damaged = True
                continue
            self._last.pop(entry.place, None)  # the last one comes last
            self._last[entry.place] = entry
        self.live = tuple(entry for entry in self._last.values() if not entry.gone)
        """All that is ours."""

    def last(self, entry: Listed) -> Listed | None:
        """Returns the last line about the place of `entry`; None if there is none."""
        return self._last.get(entry.place)

    @property
    def settings(self) -> tuple[Listed, ...]:
        """The agents' settings that have, or had, our hooks, entry or MCP server. A file with a server beside them
        comes twice."""
        return tuple(entry for entry in self.live if not entry.root and entry.form != "folder")

    def at(self, path: Path, *, server: bool = False) -> Listed | None:
        """Returns the entry of a settings file by its real path: for its hooks or entry, or for its MCP `server`."""
        real = here().canonical(path)
        same = (entry for entry in self.settings if entry.is_server == server)
        return next((entry for entry in same if here().canonical(entry.path) == real), None)

    @property
    def handoffs(self) -> tuple[Listed, ...]:
        """The folders that a handoff was ever written to."""
        return tuple(entry for entry in self.live if entry.form == "handoff")

    def known(self, entry: Listed) -> Listed | None:
        """Returns what is listed of the place of `entry`, whatever its path was at the time."""
        if not entry.root:
            return self.at(Path(entry.path), server=entry.is_server)
        last = self.last(entry)
        return last if last is not None and not last.gone else None

    def names(self, root: Path) -> set[str]:
        """Returns the names of the project's files that have our text from this machine. Only these are ever restored:
        a block that came with the repository belongs to its owners."""
        return {entry.name for entry in self.live if entry.root == str(root) and entry.form == "text"}


def read_journal(state: Path) -> Journal:
    """Returns the journal in the state folder; empty if there is none. Creates nothing, and skips lines that were cut
    off. It is not read again while its file is the same. Raises OSError."""
    if former.has_former(state):
        return Journal((*former.entries(state), *_lines(state)))
    return find_once((state, JOURNAL), file_stamp(state / JOURNAL), lambda: Journal(_lines(state)))


def load_journal(state: StateDir) -> Journal:
    """Reads the journal, as `read_journal` does, for a command that edits. Raises UserError (REFUSED), saying what to
    do, if it or what a trial version recorded can't be read."""
    try:
        journal = read_journal(state.root)
    except OSError as error:
        raise _unreadable(
            Path(error.filename or state.root / JOURNAL), f"can't be read ({os_reason(error)})"
        ) from error
    if former.is_damaged(state.root):
        raise _unreadable(state.root / former.EDITS, "is damaged")
    return journal


def _unreadable(file: Path, what: str) -> UserError:
    remedy = "Move it away and run this again: our hooks are then looked for where agents keep their settings."
    return UserError(f"{file} {what}. Nothing was changed. {remedy}", ExitCode.REFUSED)


def write_down(state: Path, *entries: Listed) -> None:
    """Adds lines to the journal, unless they are what it says already. Raises OSError.

    The records of trial versions, if there are any, are taken over first.
    """
    if not entries:
        return
    take_over(state)
    journal = read_journal(state)
    if new := [entry for entry in entries if journal.last(entry) != entry]:
        _append(state, new)


def take_over(state: Path) -> None:
    """Moves what the records of trial versions say into the journal, and removes them. Raises OSError.

    Whatever is interrupted, the journal and the records left say the same together, and the next call goes on.
    """
    if former.has_former(state):
        with locked_dir(state):
            known = Journal(_lines(state))
            _append(state, [entry for entry in former.entries(state) if known.last(entry) is None])
            former.remove_former(state)


def _lines(state: Path) -> Iterator[Listed | None]:
    with suppress(FileNotFoundError, NotADirectoryError):
        for line in filter(None, read_bytes_bounded(state / JOURNAL, _LIMIT_BYTES, follow=False).split(b"\n")):
            try:
                yield _DECODER.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                yield None


_DECODER: Final = msgspec.json.Decoder(Listed)


def _append(state: Path, entries: Sequence[Listed]) -> None:
    if not entries:
        return
    private_dir(state)
    # One write at the end of the file, so that two programs can do this at once; a torn line ends with the next one.
    lines = b"".join(b"\n" + msgspec.json.encode(entry) + b"\n" for entry in entries)
    descriptor = open_regular(state / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
    try:
        with naming(state / JOURNAL):
            if os.write(descriptor, lines) < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            here().full_sync(descriptor)
    finally:
        os.close(descriptor)
