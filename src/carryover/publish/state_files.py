"""What Carryover has in the state folder, by name: `CARRYOVER_HOME` may name a folder with other content."""

from __future__ import annotations

from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from carryover.edits.hooks import SCRIPT
from carryover.fsio import SCRATCH
from carryover.outside import former
from carryover.outside.apply import LOCK
from carryover.outside.journal import JOURNAL
from carryover.paths import STARTER, STORE
from carryover.projects.handoff_file import ELSEWHERE
from carryover.publish.hook_script import CURL_CONFIG
from carryover.publish.store import ignore_itself, is_in_repository

FILES: Final = (
    ("handoff.md", "a trial version's copy of the newest handoff"),
    ("ledger.sqlite", "the ledger"),
    ("ledger.sqlite-*", "the ledger"),
    ("ledger.sqlite.*", "the ledger"),
    ("ledger.salvaged.sqlite*", "the ledger"),
    ("ledger.before-*.sqlite*", "a copy of the ledger"),
    ("ledger.corrupt-*.sqlite*", "a damaged ledger"),
    ("carryoverd.log*", "the log"),
    ("launchd.log", "the log"),
    (SCRIPT, "the hooks' script"),
    (CURL_CONFIG, "the hooks' script"),
    (STARTER, "the script that starts the daemon"),
    ("hook.secret", "the hooks' secret"),
    ("daemon.sock", "the daemon's socket"),
    ("daemon.lock", "the daemon's lock"),
    ("paused", "the pause"),
    ("continue.command", "what the page had a terminal run"),
    ("config.toml", "your settings"),
    (".*.tmp", "left by a write that was cut off"),
    *((name, "what a trial version wrote outside") for name in (former.PROJECTS, former.PLACED, former.EDITS)),
    (JOURNAL, "the journal of what was written outside"),
    (LOCK, "the journal of what was written outside"),
)
"""The files, each with a description, in the order in which they are removed: the journal last, so that an interrupted
purge can be run again."""
FOLDERS: Final = (
    (ELSEWHERE, "handoffs that went into no project"),
    ("spool", "what was handed to hooks"),
    ("crashes", "the folder for crash reports"),
    ("canary", "of a trial version on macOS"),
    ("sync", "this machine's keys and its copy of the store"),
    (f"{SCRATCH}*", "left by a command that was killed"),
)


def ignore_state(folder: Path) -> None:
    """Has git ignore the state folder, whose home folder may be a repository of dotfiles, also one whose data is
    elsewhere (`git --git-dir`). A folder of another name does so below a `.git`, and not if it holds something else.
    One that can't be written to stays as it is."""
    with suppress(OSError):
        is_ours = is_in_repository(folder) and all(_is_ours(path.name) for path in folder.iterdir())
        if is_ours or folder.name == STORE:
            ignore_itself(folder)


def _is_ours(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern, _ in (*FILES, *FOLDERS))
