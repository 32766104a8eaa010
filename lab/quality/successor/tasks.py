"""The tasks that a successor carries on with: where each begins, what it was asked, and which tests judge it.

Only names, commits, hashes and commands: what the user asked and what was said before is read from the session, which
is fetched from its repository.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from quality.manifest import Session

TASKS: Final = Path(__file__).with_name("tasks.toml")

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")


class TaskError(ValueError):
    """A task that can't be right, or whose session is not in the manifest."""


@dataclass(frozen=True, slots=True)
class Task:
    """A session cut at record `until`, the tree of its repository then, and tests that its commit made pass."""

    name: str
    session: Session
    before: str
    """The commit whose tree the successor finds."""
    after: str
    """The commit in which the work is done. Its tests are `hidden` until the agent has ended."""
    until: int
    """The last record of the session that the handoff and the tail are made of."""
    asked: tuple[int, ...]
    """The records whose prompts are the request; none: the newest prompt up to `until`."""
    request: str
    """The request in words of ours, where the session ends before the user asked; otherwise empty."""
    hidden: tuple[str, ...]
    without: tuple[str, ...]
    """Further files (patterns) of the repository that the successor does not get: transcripts."""
    needs: tuple[str, ...]
    """Commands that must be there."""
    install: str
    run: str
    """A shell command that writes a JUnit report to `{report}`."""
    wanted: tuple[str, ...]
    """CLASS::NAME of each test that fails on `before` and passes on `after`."""
    weak: str
    """What a reader should know who doubts this task."""

    @property
    def repository(self) -> str:
        return self.session.repository


def read(sessions: Mapping[str, Session], path: Path = TASKS) -> list[Task]:
    """Returns the tasks, whose sessions are those with these hashes. Raises TaskError."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    tasks = [_task(name, table, sessions) for name, table in document.items()]
    for task in tasks:
        _check(task)
    return tasks


def _task(name: str, table: dict[str, Any], sessions: Mapping[str, Session]) -> Task:
    session = sessions.get(table.get("session", ""))
    if session is None:
        raise TaskError(f"{name}: its session is not in the manifest")
    return Task(
        name=name,
        session=session,
        before=table.get("before", ""),
        after=table.get("after", ""),
        until=table.get("until", 0),
        asked=tuple(table.get("asked", ())),
        request=table.get("request", ""),
        hidden=tuple(table.get("hidden", ())),
        without=tuple(table.get("without", ())),
        needs=tuple(table.get("needs", ())),
        install=table.get("install", ""),
        run=table.get("run", ""),
        wanted=tuple(table.get("wanted", ())),
        weak=table.get("weak", ""),
    )


def _check(task: Task) -> None:
    for what, right in (
        ("name", _NAME.fullmatch(task.name)),
        ("before", _COMMIT.fullmatch(task.before)),
        ("after", _COMMIT.fullmatch(task.after)),
        ("until", task.until > 0),
        ("run", "{report}" in task.run),
        ("hidden", task.hidden and all(is_inside(path) for path in task.hidden)),
        ("wanted", task.wanted and len(set(task.wanted)) == len(task.wanted)),
        ("request", not (task.request and task.asked)),
    ):
        if not right:
            raise TaskError(f"{task.name}: {what} can't be right")


def is_inside(path: str) -> bool:
    """Whether a path of a repository stays in its working tree, and out of git's own folder."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and not {"..", ".git"} & {part.lower() for part in parts}
