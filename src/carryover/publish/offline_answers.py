"""Answers for sessions that start while no daemon is running, prepared in advance. Blocks.

    <state>/restore/<agent>/<start reason>/<root of the project>/.answer

Folders are 0700, files 0600, and each file contains exactly what the agent expects as the hook's output. The path
contains the root unchanged, so that a shell finds the answer for its own folder and no other (`hook.sh`). There are
none for continued conversations, except of agents that forget what they were given: only a daemon knows whether another
session has worked on the project since.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from carryover.adapter.contract import HookProtocol, StartReason
from carryover.config import Config, project_settings
from carryover.distill.handoff import Handoff
from carryover.distill.header import Answering, Situation
from carryover.distill.render import render
from carryover.fsio import is_folder, private_dir, write_if_changed
from carryover.projects.handoff_file import IN_PROJECT

SITUATIONS: Final[dict[StartReason, Situation]] = {"startup": "new", "clear": "new", "compact": "compacted"}
"""Start reasons with prepared answers, and the situation that each describes to its reader."""

STORE: Final = "restore"
ANSWER: Final = ".answer"
OLD: Final = "old"
"""Replaces a start reason: the answer for a new session once the handoff is stale."""

RESUMED: Final[StartReason] = "resume"

_DAY_S: Final = 86_400


def answers_in_advance(handoff: Handoff, *, file: str = IN_PROJECT, forgets: bool = False) -> dict[str, str]:
    """Returns the texts by start reason and `OLD`, without anything about the present. `file`: the path of the handoff.

    `forgets`: also for a resumed session (see `HookProtocol.forgets`).
    """
    situations: list[tuple[str, Situation]] = [*SITUATIONS.items(), (OLD, "old")]
    if forgets:
        situations.append((RESUMED, "resumed"))
    texts = {
        situation: render(handoff, Answering(situation=situation, file=file))
        for situation in dict.fromkeys(situation for _, situation in situations)
    }
    return {reason: texts[situation] for reason, situation in situations}


def keep_answers(
    state: Path,
    root: str,
    handoff: Handoff,
    forms: Mapping[str, HookProtocol],
    *,
    stale_days: int,
    file: str = IN_PROJECT,
) -> None:
    """Writes the answers for the project at `root`. `forms`: hook protocols by agent id, which define the answers'
    format.

    A root that is not a path on this system gets none. Raises OSError if an answer can't be written, for instance
    because its path is too long.
    """
    if not _is_whole(root):
        return
    # `find -mtime +0`, which every system has, is true from one day after this time.
    old_s = max(0, handoff.updated_ms // 1000 + (stale_days - 1) * _DAY_S)
    # Rendered once for all agents, since this is the slowest part of a publication.
    texts = answers_in_advance(handoff, file=file, forgets=True)
    for agent, form in forms.items():
        for reason, text in texts.items():
            if reason == RESUMED and not form.forgets:
                continue
            path = answer_path(state, agent, reason, root)
            _make_folders(state, path.parent)
            write_if_changed(path, form.answer(text), mode=0o600, follow=False, durable=False)
            if int(path.stat().st_mtime) != old_s:
                os.utime(path, (old_s, old_s))


def forget_answers(state: Path, root: str) -> None:
    """Deletes the answers for the project at `root`, and the folders that become empty."""
    if not _is_whole(root):
        return
    for reasons in _tops(state):
        path = answer_path(state, reasons.parent.name, reasons.name, root)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
        _remove_empty(path.parent, reasons)


def prune_answers(state: Path, config: Config) -> None:
    """Deletes the answers for projects that are excluded or gone, and for agents that are not selected."""
    for agent in (state / STORE).glob("*"):
        if not config.selects(agent.name):
            shutil.rmtree(agent, ignore_errors=True)
    roots = {
        os.path.normpath(f"/{Path(folder).relative_to(reasons)}")
        for reasons in _tops(state)
        for folder, _, files in os.walk(reasons)
        if ANSWER in files
    }
    for root in roots:
        if not is_folder(Path(root)) or project_settings(Path(root), config).excluded:
            forget_answers(state, root)


def answer_path(state: Path, agent: str, reason: str, root: str) -> Path:
    """Returns the path of the answer for one agent, start reason and project."""
    return state / STORE / agent / reason / root.lstrip("/") / ANSWER


def _is_whole(root: str) -> bool:
    return root.startswith("/") and os.path.normpath(root) == root


def _tops(state: Path) -> list[Path]:
    return [reason for reason in (state / STORE).glob("*/*") if reason.is_dir()]


def _make_folders(state: Path, folder: Path) -> None:
    if folder.is_dir():
        return
    step = state
    for name in folder.relative_to(state).parts:
        step /= name
        private_dir(step)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:  # it contains another project's answer
            return
        folder = folder.parent
