"""What is ours in the state folder, by name: `CARRYOVER_HOME` may name a folder that holds other things as well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.install.apply import BACKUPS, LOCK
from carryover.install.record import RECORD
from carryover.paths import StateDir
from carryover.publish.published import LIST
from carryover.publish.stub import CURL_CONFIG, SCRIPT

STUB: Final = (SCRIPT, CURL_CONFIG)

# The record goes last: until then a purge that was interrupted can be run again.
_FILES: Final = (
    ("handoff.md", "the newest handoff"),
    ("ledger.sqlite", "the ledger"),
    ("ledger.sqlite-*", "the ledger"),
    ("ledger.before-*.sqlite*", "a copy of the ledger"),
    ("ledger.corrupt-*.sqlite*", "a damaged ledger"),
    ("carryoverd.log*", "the log"),
    ("launchd.log", "the log"),
    (SCRIPT, "the hooks' script"),
    (CURL_CONFIG, "the hooks' script"),
    ("hook.secret", "the hooks' secret"),
    ("daemon.sock", "the daemon's socket"),
    ("daemon.lock", "the daemon's lock"),
    ("paused", "the pause"),
    ("config.toml", "your settings"),
    (".*.tmp", "left by a write that was cut off"),
    (LIST, "the list of projects"),
    (RECORD, "the record of edits"),
    (LOCK, "the record of edits"),
)
_TREES: Final = (("restore", "handoffs kept for when the daemon is down"), (BACKUPS, "backups"))


def state_files(state: StateDir) -> Iterator[tuple[Path, str]]:
    """Each file of ours and what it is, then the folders, innermost first. Follows no symlink."""
    root = state.root
    for name, what in _TREES:
        yield from _tree(root / name, what)
    for pattern, what in _FILES:
        yield from ((path, what) for path in sorted(root.glob(pattern)))
    if root.is_dir() and not root.is_symlink():
        yield root, "the state folder"


def _tree(top: Path, what: str) -> Iterator[tuple[Path, str]]:
    if top.is_symlink():
        yield top, what
        return
    for folder, folders, files in os.walk(top, topdown=False):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        yield from ((Path(folder, name), what) for name in sorted([*files, *links]))
        yield Path(folder), what
