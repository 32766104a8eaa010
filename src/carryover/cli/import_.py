"""`carryover import`: takes exported or copied transcripts into the ledger, with the daemon or without."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from carryover.cli.agent_names import known_agent
from carryover.cli.arguments import describe
from carryover.cli.context import project_root, root_of, state_dir
from carryover.cli.output import counted, harmless, print_json, print_lines
from carryover.config import Config, load_config, project_settings
from carryover.errors import ExitCode, UserError
from carryover.fsio import is_folder, private_dir
from carryover.ledger.queries import connect_read_only, project_by_id, project_of_session, projects
from carryover.paths import StateDir, expanded

if TYPE_CHECKING:
    from carryover.importing.document import Document
    from carryover.importing.survey import Survey
    from carryover.ledger.store import Ledger
    from carryover.publish.project_moves import StatePaths

DESCRIPTION: Final = """\
Takes transcripts from files that you name into the ledger: exports, documents
of older versions, transcripts copied from another machine, sessions saved by
SpecStory. They are read as any transcript is: secrets are taken out, and what
the ledger has already is not added again, so importing twice changes nothing.

Sessions belong to the project that the file names, or to the one of --project.
An import reads what you name, also of an agent that you did not select."""

EXAMPLES: Final = """\
examples:
  carryover import --dry-run chat.json         what is in it; stores nothing
  carryover import session.jsonl               a copied transcript
  carryover import .specstory/history/*.md     what SpecStory saved
  carryover import chat.json --project ~/shop  a file that names no project
"""

ANSWER_S: Final = 3600.0
"""A daemon reads a document to its end before it answers."""


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds, and what came of it. Times are UTC ms, None where it has none."""

    file: str
    agent: str | None = None
    form: str | None = None
    """What wrote the file, for people."""
    sessions: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    """Roots of the projects that the sessions belong to."""
    prompts: int = 0
    events: int = 0
    new_events: int | None = None
    """Events that were added to the ledger; None where nothing was stored."""
    first_ms: int | None = None
    last_ms: int | None = None
    skipped: int = 0
    oversized: int = 0
    torn: bool = False
    problem: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("files", metavar="FILE", nargs="+", help="an exported or copied transcript")
    parser.add_argument(
        "--project", metavar="DIR", help="the project that the sessions belong to, whatever the file says"
    )
    parser.add_argument(
        "--agent", metavar="AGENT", type=known_agent, help="whose sessions they are, where the file does not say"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be imported; store nothing")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON; times are UTC milliseconds")


def run(args: argparse.Namespace) -> int:
    state = state_dir()
    if state.paused.exists() and not args.dry_run:
        raise UserError(
            "Carryover is paused, so nothing was imported. `carryover unpause` ends the pause.", ExitCode.REFUSED
        )
    project = project_root(args.project, must_exist=True) if args.project is not None else None
    reports = []
    code = ExitCode.OK
    for name in dict.fromkeys(args.files):
        path = Path(os.path.abspath(expanded(name)))  # noqa: PTH100 (a link keeps its name)
        try:
            reports.append(_import(state, path, project, args.agent, store=not args.dry_run))
        except UserError as error:
            reports.append(FileReport(file=str(path), problem=str(error)))
            code = code or error.code
    if args.json:
        print_json({"dry_run": args.dry_run, "files": reports})
    else:
        print_lines(harmless(line) for line in _lines(reports, load_config(state.config), dry_run=args.dry_run))
        for report in reports:
            if report.problem is not None:
                print(f"carryover: {harmless(report.problem)}", file=sys.stderr)
    return code or (ExitCode.FAILED if any(report.problem for report in reports) else ExitCode.OK)


def _import(state: StateDir, path: Path, project: str | None, agent_id: str | None, *, store: bool) -> FileReport:
    from carryover.importing.document import open_document
    from carryover.importing.survey import survey

    document = open_document(path, project=project, agent_id=agent_id)
    try:
        found = survey(document)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
        raise UserError(f"{path} can't be read: {why}. Nothing was imported from it.") from error
    report = _report(path, document, found)
    if not found.events:
        raise UserError(
            f"{path} holds no conversation that can be read as one of {report.form}. It may be cut off. "
            "Nothing was imported from it.",
            ExitCode.NOTHING_FOUND,
        )
    if not report.projects:
        raise UserError(
            f"{path} does not say in which project its sessions were. Nothing was imported from it. "
            "Name the project with --project DIR.",
            ExitCode.REFUSED,
        )
    if not store:
        return report
    new_events, problem = store_document(state, document, path, project, agent_id)
    projects = _projects_now(state, report) or report.projects
    return msgspec.structs.replace(report, projects=projects, new_events=new_events, problem=problem)


def _projects_now(state: StateDir, report: FileReport) -> tuple[str, ...]:
    """Where the sessions are in the ledger: one that it had already stays in its project."""
    with closing(connect_read_only(state.ledger)) as db:
        ids = (project_of_session(db, report.agent or "", session) for session in report.sessions)
        rows = [project_by_id(db, project) for project in dict.fromkeys(ids) if project is not None]
    return tuple(row.root for row in rows if row is not None)


def _report(path: Path, document: Document, found: Survey) -> FileReport:
    folders = dict.fromkeys(folder for folder in found.folders.values() if folder is not None)
    return FileReport(
        file=str(path),
        agent=document.agent.id,
        form=document.form,
        sessions=tuple(found.folders),
        projects=tuple(dict.fromkeys(root_of(folder).root for folder in folders)),
        prompts=found.prompts,
        events=found.events,
        first_ms=found.first_ms or None,
        last_ms=found.last_ms or None,
        skipped=found.skipped,
        oversized=found.oversized,
        torn=found.torn,
    )


def store_document(
    state: StateDir, document: Document, path: Path, project: str | None, agent_id: str | None
) -> tuple[int, str | None]:
    """Takes the document at `path` into the ledger: how many events were new, by the daemon or, where none runs, by us;
    and why not all was read. Raises UserError where another process holds the ledger."""
    from carryover.daemon.client import ask_daemon

    try:
        query = urlencode({"path": str(path), "project": project or "", "agent": agent_id or ""}, errors="strict")
    except UnicodeEncodeError as error:
        raise UserError(f"The name of {path} is not UTF-8. Rename the file or copy it, then import that.") from error
    answer = ask_daemon(state.socket, "POST", f"/import?{query}", timeout_s=ANSWER_S)
    if answer is not None:
        return int(answer["new_events"]), answer["problem"]
    from carryover.cli.from_disk import as_writer

    private_dir(state.root)
    return as_writer(state, partial(_store_here, document), "Nothing was imported.")


async def _store_here(document: Document, ledger: Ledger, paths: StatePaths) -> tuple[int, str | None]:
    """As the daemon does; handoffs are made of projects in which something happened lately."""
    from carryover.ingest.pipeline import ingest
    from carryover.ingest.scan import MS_PER_DAY
    from carryover.publish.forgetting import publish_here

    config = load_config(StateDir(paths.state).config)
    done = await ingest(ledger, document.agent, document.source, root_of=paths.root_of, now_ms=_now_ms)
    since_ms = _now_ms() - config.publish.active_days * MS_PER_DAY
    with closing(connect_read_only(paths.ledger)) as db:
        recent = [row.id for row in projects(db) if row.id in done.projects and row.last_event_ms >= since_ms]
    problems = await publish_here(ledger, paths, config, recent, ())
    return done.new_events, done.error or next(iter(problems), None)


def _lines(reports: Sequence[FileReport], config: Config, *, dry_run: bool) -> Iterator[str]:
    roots = dict.fromkeys(root for report in reports for root in report.projects)
    for report in reports:
        if report.sessions:
            mark = "·" if dry_run else "✓" if report.problem is None else "✗"
            yield f"{mark} {report.file}: {_content(report)}"
            yield from (f"  {line}" for line in _notes(report, dry_run=dry_run))
    if dry_run:
        if roots:
            yield "Nothing was stored."
        return
    for root in roots:
        excluded = project_settings(Path(root), config).excluded
        if excluded is not None:
            yield f"{root} is left out of Carryover: excluded by {excluded}. So no handoff is made of it."
        else:
            yield f"`carryover handoff {shlex.quote(root)}` prints the handoff."


def _content(report: FileReport) -> str:
    days = [_day(at_ms) for at_ms in (report.first_ms, report.last_ms) if at_ms is not None]
    facts = [
        f"{counted(len(report.sessions), 'session')} of {_agent_name(report.agent)}",
        *([f"saved by {report.form}"] if report.form != _agent_name(report.agent) else []),
        counted(report.prompts, "prompt"),
        " to ".join(dict.fromkeys(days)),
    ]
    return f"{', '.join(fact for fact in facts if fact)}; of {', '.join(report.projects)}"


def _notes(report: FileReport, *, dry_run: bool) -> Iterator[str]:
    if not dry_run:
        new = report.new_events or 0
        yield f"{counted(new, 'event')} added." if new else "Nothing added: the ledger has all of it."
    away = [root for root in report.projects if not is_folder(Path(root))]
    if away:
        yield f"{', '.join(away)}: no such folder here; --project DIR puts the sessions into one that is."
    if report.torn:
        yield "Its last line is cut off and was left out."
    if report.oversized:
        yield f"{counted(report.oversized, 'record')} too long to be read."
    if report.skipped:
        yield f"{counted(report.skipped, 'record')} not understood and skipped; nothing else is affected."


def _agent_name(agent_id: str | None) -> str:
    from carryover.agents import agent_names

    return agent_names().get(agent_id or "", agent_id or "")


def _day(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at_ms / 1000))


def _now_ms() -> int:
    return int(time.time() * 1000)
