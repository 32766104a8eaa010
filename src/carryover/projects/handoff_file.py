"""The handoff file: its path, how it is written, and the result of writing it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from carryover.fsio import private_dir, read_bytes_bounded, write_if_changed
from carryover.paths import STORE
from carryover.redact import CleanText

HANDOFF: Final = "handoff.md"
CHOSEN: Final = "handoff-chosen.md"
"""The handoff of a session that the user chose to continue, next to the project's own."""
PAGE: Final = "more.md"
"""The second page, with more of the conversation than fits into the handoff beside it."""
BEGINNING: Final = b"# [CARRYOVER] Last updated "
"""Of every handoff. What trial versions wrote where there was none is the same in every project."""
_LIMIT_BYTES: Final = 512 << 10
"""A larger file is not ours."""
IN_PROJECT: Final = f"{STORE}/{HANDOFF}"
"""The handoff's path relative to the project, as agents see it."""
ELSEWHERE: Final = "handoffs"
"""Subfolder of the state folder for handoffs that go into no project: see `handoffs_elsewhere`."""


class Published(msgspec.Struct, frozen=True):
    """The result of publishing in one project."""

    changed: bool = False
    refusal: str | None = None
    passing: bool = False
    """Whether to try again: the refusal may end without an event, or a file was left unchanged for now."""
    file: Path | None = None
    page: Path | None = None
    """The file for the second page, which is written later; None if there is none."""
    hidden: Mapping[str, int] = {}
    """Our files that git does not show, with the time of the last write (ns): one that the user extends is theirs."""
    notes: tuple[str, ...] = ()
    """What was left alone and why; the handoff is published nevertheless."""


def handoffs_elsewhere(root: Path, state: Path) -> Path:
    """Returns the folder below the state folder for a handoff of the project at `root` that is handed over although its
    settings write none into it (`pointers = "off"`)."""
    return state / ELSEWHERE / f"{root.name or 'root'}-{fingerprint_of(os.fsencode(root))[:8]}"


def fingerprint_of(text: bytes) -> str:
    """Returns a fingerprint of a handoff's text, for recognising the last published one."""
    from hashlib import sha256  # with OpenSSL: not at the top, for commands that write no handoff

    return sha256(text).hexdigest()[:16]


def read_handoff(file: Path) -> bytes:
    """Returns what is in the file of a handoff. Raises OSError if there is none, or something else."""
    return read_bytes_bounded(file, _LIMIT_BYTES, follow=False)


def write_handoff(folder: Path, text: CleanText, name: str = HANDOFF) -> bool:
    """Writes the handoff (0600) to `folder` (0700); returns whether it was different. Raises OSError if it can't.

    Readers see it before the disk is waited for, since it can be made again: after a power cut just then it is missing
    or empty, and not yet recorded as published.
    """
    # A project that was moved away meanwhile is not made again, nor is a link followed that a checkout has put there.
    private_dir(folder, parents=False, follow=False)
    data = text.encode(errors="replace")
    return write_if_changed(folder / name, data, mode=0o600, follow=False, sync="after")
