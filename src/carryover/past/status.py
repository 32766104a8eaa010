"""Reports what Carryover sees and does on this machine. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from carryover.fsio import is_gone, is_there
from carryover.install.detect import AskVersion, ask_version, asking_once
from carryover.past.context import state_dir
from carryover.past.diagnose.checks import findings
from carryover.past.diagnose.gather import gather
from carryover.projects.handoff_file import PAGE

if TYPE_CHECKING:
    from carryover.past.diagnose.report import Report

_SAID_FIRST: Final = ("install", "daemon", "paused")
"""Checks whose results every status begins with."""


class Problems(NamedTuple):
    """What the report alone shows: what does not work, and what only the user can do; one sentence each."""

    wrong: tuple[str, ...]
    todo: tuple[str, ...]


class ProjectStatus(NamedTuple):
    """A recorded project and its handoff."""

    root: str
    last_event_ms: int | None
    trouble: str | None
    """Why no handoff is published, as a clause."""
    handoff_ms: int | None
    is_deleted: bool
    """Whether the handoff was deleted after the daemon had written it."""
    has_page: bool
    """Whether a second page is beside it."""
    notes: tuple[str, ...]


def status_report(*, in_short: bool) -> Report:
    """Returns the report on this machine and, unless it is wanted `in_short`, on the project around the current folder.

    In short, it holds what the short form of `carryover status` shows.
    """
    return _report(in_short, ask_version)


def repeated_report(*, in_short: bool) -> Callable[[], Report]:
    """Returns a function that does the same at each call, but asks each agent only once for its version."""
    return partial(_report, in_short, asking_once())


def _report(in_short: bool, ask: AskVersion) -> Report:
    here = None if in_short else _current_folder()
    return gather(state_dir(), Path.home(), in_short=in_short, here=here, ask=ask)


def _current_folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it is gone
        return None


def problems(report: Report) -> Problems:
    """Returns what `carryover doctor` would find without inspecting more."""
    found = [finding for finding in findings(report) if finding.check not in _SAID_FIRST]
    wrong = [finding.what for finding in found if finding.level == "wrong"]
    todo = [finding.what for finding in found if finding.level == "todo"]
    return Problems(tuple(dict.fromkeys((*report.problems, *wrong))), tuple(todo))


def uncommitted(report: Report) -> tuple[tuple[str, str], ...]:
    """Returns the projects where lines of ours are not committed, and the command line that commits them."""
    from carryover.publish.once import commit_command  # loaded already, unless there is no project to ask git about

    found = [each for each in report.in_git if each.uncommitted]
    return tuple((each.root, commit_command(each.root, each.uncommitted)) for each in found)


def projects(report: Report) -> tuple[ProjectStatus, ...]:
    """Returns the recorded projects, with what the daemon says of those that it publishes."""
    published = {project.root: project for project in (report.daemon.projects if report.daemon is not None else ())}
    rows = report.ledger.projects if report.ledger is not None else ()
    found = []
    for row in rows:
        by_daemon = published.get(row.root)
        error = by_daemon.error if by_daemon is not None else None
        file = by_daemon.file if by_daemon is not None else None
        found.append(
            ProjectStatus(
                root=row.root,
                last_event_ms=row.last_event_ms or None,
                trouble=error or row.refusal,
                handoff_ms=row.handoff_ms,
                is_deleted=file is not None and is_gone(Path(file)),
                has_page=file is not None and is_there(Path(file).with_name(PAGE)),
                notes=by_daemon.notes if by_daemon is not None else (),
            )
        )
    return tuple(found)
