"""Removes spooled hook calls of forgotten conversations, including those not yet read.

A call not yet read belongs to no session of the ledger: it is matched by its working folder and its time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.spooled import SpooledCall
from carryover.errors import os_reason
from carryover.fsio import is_folder, open_regular, read_bytes_bounded
from carryover.ledger.queries import Selection

SPOOL: Final = "spool"
"""Folder of hook calls in the state folder, with one subfolder per agent and files named by session."""
_LIMIT_BYTES: Final = 8 << 20
_LINE_BYTES: Final = 8 << 20


def remove_spooled(
    state: Path,
    selections: Sequence[Selection],
    conversations: Collection[tuple[str, str]],
    *,
    known: Collection[str],
    now_ms: int,
) -> list[str]:
    """Removes the spooled calls of forgotten conversations. Returns what is left to do, as sentences.

    `conversations`: the agent and id of each. `known`: ids of all conversations that have been read; calls of others
    are removed if `selections` name them.
    """
    problems: list[str] = []
    spool = state / SPOOL
    if not is_folder(spool) or spool.is_symlink():
        return problems
    if any(selection.is_everything for selection in selections):
        try:
            shutil.rmtree(spool)
        except OSError as error:
            problems.append(f"{spool} is still there: {os_reason(error)}.")
        return problems
    for agent, conversation in conversations:
        remove_all(_of_conversation(spool / agent, conversation), problems)
    unread = [path for path in _files(spool) if path.name.partition(".")[0] not in known]
    for selection in selections:
        if selection.session is None and selection.conversation is None:
            remove_all((path for path in unread if _is_selected(path, selection, now_ms)), problems)
    return problems


def remove_all(files: Iterable[Path], problems: list[str]) -> None:
    """Removes files, which may already be gone; adds a sentence to `problems` for each failure."""
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            problems.append(f"{path} is still there: {os_reason(error)}.")


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if not path.is_symlink() and not path.is_dir()]


def _of_conversation(folder: Path, conversation: str) -> Iterator[Path]:
    """Yields the files of a conversation, and waiting calls that name it."""
    for path in _files(folder):
        if path.name == conversation or path.name.startswith(f"{conversation}."):
            yield path
        elif path.parent != folder:
            try:
                if conversation.encode() in read_bytes_bounded(path, _LIMIT_BYTES, follow=False):
                    yield path
            except OSError:
                continue


def _is_selected(path: Path, selection: Selection, now_ms: int) -> bool:
    """Whether a file of calls, last changed in the selected period, was written in the selected project."""
    try:
        changed_ms = path.lstat().st_mtime_ns // 1_000_000
        folder = _folder_of(path) if selection.root is not None else None
    except OSError:
        return False
    since_ms, until_ms = selection.span(now_ms)
    is_within = since_ms <= changed_ms < until_ms
    if selection.root is None or not is_within:
        return is_within
    return folder is not None and Path(os.path.normpath(folder)).is_relative_to(selection.root)


def _folder_of(path: Path) -> str | None:
    """Returns the folder in which the first call in a file was made; a waiting call has it on its second line."""
    with os.fdopen(open_regular(path), "rb") as file:
        first = file.readline(_LINE_BYTES)
        if not first.startswith(b"{"):
            return os.fsdecode(file.readline(_LINE_BYTES).strip()) or None
    try:
        return msgspec.json.decode(first, type=SpooledCall).cwd
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
