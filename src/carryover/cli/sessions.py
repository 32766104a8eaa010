"""`carryover sessions`: what was recorded, newest first."""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from carryover.agents import agent_names
from carryover.cli.arguments import describe, positive
from carryover.cli.context import project_root, state_dir
from carryover.cli.output import BOLD, ago, counted, one_line, paint, print_json, terminal_width
from carryover.config import settings_now
from carryover.distill.work.merge import task_of
from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock
from carryover.ledger.queries import (
    SessionRow,
    connect_read_only,
    project_by_root,
    session_ids,
    sessions,
)
from carryover.paths import StateDir, short_path
from carryover.publish.project_view import session_digest

SHORTEST_ID: Final = 8
TASK_LIMIT: Final = 60
SHORTEST_TITLE: Final = 16
LIMIT: Final = 20

DESCRIPTION: Final = """\
Lists recorded sessions, newest first: of the project you are in, of another
one, or of all."""

EXAMPLES: Final = """\
examples:
  carryover sessions               sessions of the project you are in
  carryover sessions ~/code/shop   sessions of another project
  carryover sessions --all --limit 100
  carryover show ID                the conversation of one of them
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help and the arguments of `carryover sessions`."""
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    which.add_argument("--all", action="store_true", help="sessions of all projects")
    parser.add_argument(
        "--limit", type=positive, default=LIMIT, metavar="N", help=f"list at most N sessions (default: {LIMIT})"
    )
    parser.add_argument("--json", action="store_true", help="print the list as JSON; times are UTC milliseconds")


def run(args: argparse.Namespace) -> int:
    """Runs `carryover sessions`; returns the exit code."""
    root = None if args.all else project_root(args.project)
    with _ledger_of(root) as ledger:
        listed = _listed(ledger, root, args.limit)
    if not listed:
        where = f"for {root}" if root else "anywhere"
        others = "; `carryover sessions --all` lists every project" if root else ""
        raise UserError(
            f"No session is recorded {where}. `carryover status` says what is watched{others}.", ExitCode.NOTHING_FOUND
        )
    if args.json:
        print_json(listed)
    else:
        print_sessions(listed, with_project=root is None)
    return ExitCode.OK


def shortest_unique(ids: Sequence[str]) -> dict[str, str]:
    """For each id the shortest beginning, of 8 characters or more, that no other of `ids` has."""
    ordered = sorted(set(ids))
    shared = [_common(first, second) for first, second in pairwise(ordered)]
    needed = [max(before, after) + 1 for before, after in zip([0, *shared], [*shared, 0], strict=False)]
    return {name: name[: max(length, SHORTEST_ID)] for name, length in zip(ordered, needed, strict=False)}


@contextmanager
def _ledger_of(root: str | None) -> Iterator[sqlite3.Connection]:
    """The ledger, or where there is none a temporary one of what is on disk."""
    state = state_dir()
    if state.ledger.exists():
        _say_if_old(state)
        ledger = connect_read_only(state.ledger)
        try:
            yield ledger
        finally:
            ledger.close()
        return
    from carryover.agents import adapters
    from carryover.cli.from_disk import of_project, sources_on_disk, temporary_ledger

    seen = sources_on_disk(settings_now(state), [Path(root)] if root else [])
    sources = of_project(seen, {root}) if root else [item.source for item in seen]
    with temporary_ledger(sources, adapters()) as ledger:
        yield ledger


def _say_if_old(state: StateDir) -> None:
    try:
        running = FileLock(state.lock).holder() is not None
    except OSError:
        return  # not ours to read, so nothing is known of a daemon
    if not running:
        print("carryoverd is not running: newer sessions may be missing here.", file=sys.stderr)


def _listed(ledger: sqlite3.Connection, root: str | None, limit: int) -> list[dict[str, Any]]:
    project = project_by_root(ledger, root) if root is not None else None
    if root is not None and project is None:
        return []
    rows = sessions(ledger, project.id if project else None, limit=limit)
    short = shortest_unique(session_ids(ledger))
    return [session_entry(ledger, row, short[row.native_id]) for row in rows]


def session_entry(ledger: sqlite3.Connection, row: SessionRow, short: str) -> dict[str, Any]:
    """What a list says of one session; `short` is the beginning of its id that is unique."""
    digest = session_digest(ledger, row)
    return {
        "id": row.native_id,
        "short": short,
        "agent": row.agent,
        "agent_version": row.agent_version,
        "model": row.model,
        "project": row.root,
        "branch": row.branch,
        "title": row.title,
        "task": task_of(digest),
        "prompts": digest.prompts,
        "started_ms": row.started_ms,
        "last_ms": row.last_ms,
    }


def print_sessions(listed: list[dict[str, Any]], *, with_project: bool) -> None:
    """Prints entries, at least one, as a table as wide as the terminal."""
    now_ms = int(time.time() * 1000)
    home = Path.home()
    rows = []
    for entry in listed:
        project = [short_path(entry["project"], home) if entry["project"] else "?"] if with_project else []
        rows.append(
            [
                entry["short"],
                agent_names().get(entry["agent"], entry["agent"]),
                *project,
                ago(entry["last_ms"], now_ms),
                counted(entry["prompts"], "prompt"),
                one_line(entry["title"] or entry["task"] or "", TASK_LIMIT),
            ]
        )
    width = terminal_width()
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        *others, title = others
        if width is not None:
            title = one_line(title, max(width - len("  ".join([first, *others, ""])), SHORTEST_TITLE))
        print("  ".join([paint(first, BOLD), *others, title]).rstrip())


def _common(first: str, second: str) -> int:
    return next(
        (at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other),
        min(len(first), len(second)),
    )
