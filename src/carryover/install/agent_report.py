"""What `status` and `doctor` say of an agent on this machine: its version and settings, beside what should be there."""

from __future__ import annotations

from typing import Literal

import msgspec

VersionState = Literal["ok", "older", "newer", "unreadable", "missing"]
"""How an agent's version compares with those we know.

ok: a known version. older: without the hooks we need; nothing is written, but transcripts are read. newer: later than
any known version; the newest known hooks are written. unreadable: installed, but its version could not be determined;
hooks common to all versions are written. missing: not on this machine.
"""


class HooksReport(msgspec.Struct, frozen=True, kw_only=True):
    """The hooks in an agent's settings, compared with those that should be there. Events use the agent's spelling."""

    present: tuple[str, ...] = ()
    """Events whose hook is exactly as it should be."""
    missing: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    """Events whose hook runs our script but was changed."""
    to_review: tuple[str, ...] = ()
    """Events whose hook the user has yet to review."""
    switched_off: bool = False
    switched_off_by: str | None = None
    """The setting that switches all hooks off, such as `features.hooks = false`."""
    switched_off_in: str | None = None
    """The file that contains that setting."""
    problem: str | None = None
    """Why the settings cannot be read, as a sentence."""
    dropped: str | None = None
    """Why the agent ignores every hook in that file, as a clause."""


class EntryReport(msgspec.Struct, frozen=True, kw_only=True):
    """The entry that makes an agent load the handoff."""

    entry: str
    key: str
    """The list in the settings that the entry belongs to."""
    present: bool = False
    problem: str | None = None
    """Why the settings cannot be read, as a sentence."""
