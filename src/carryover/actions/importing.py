"""Imports the files that the user names, and those in folders, through the daemon or in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.actions.output_file import target
from carryover.clock import utc_now_ms
from carryover.config import Config, load_config, project_settings
from carryover.declared_source import DeclaredSource
from carryover.errors import ExitCode, UserError
from carryover.fsio import entries_below, is_folder, private_dir
from carryover.importing.candidate import Candidate, OpenedDocument
from carryover.importing.report import Report, survey_document
from carryover.ledger.connect import connect_read_only, reading
from carryover.ledger.queries import project_by_id, project_of_session, projects
from carryover.ledger.tombstones import forgotten_ms
from carryover.past.context import project_root, refuse_paused, root_of, state_dir
from carryover.past.opened import written_daemonless
from carryover.paths import is_utf8
from carryover.terminal.output import Progress, counted

if TYPE_CHECKING:
    from carryover.ledger.store import Ledger
    from carryover.projects.root import StatePaths

__all__ = ["ImportedFiles", "Report", "import_document", "import_files", "survey_file"]

_ANSWER_S: Final = 3600.0
"""Time limit for the daemon's answer; it reads the whole document first."""
_MINUTE_MS: Final = 60_000


class ImportedFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What was named, file by file.

    imports = import_files(["chat.json"], project=None, agent=None, again=False, store=True, progress=Progress())
    for report in imports.reports:
        print(report.file, report.problem or report.new_events)
    """

    reports: list[Report]
    """All files that were read, or have a problem, as they were named; those of a folder by name."""
    others: int
    """How many files of folders no known agent wrote."""
    excluded: dict[str, str] = {}
    """Why projects are left out of Carryover, by root."""
    away: frozenset[str] = frozenset()
    """Roots of projects that are no folders here."""
    project: str | None = None
    """The root of the project that was asked for."""
    code: ExitCode
    """OK, or what went wrong with a file first."""

    @property
    def roots(self) -> list[str]:
        """The projects that the sessions belong to."""
        return list(dict.fromkeys(root for report in self.reports for root in report.projects))


def import_files(
    names: Sequence[str], *, project: str | None, agent: str | None, again: bool, store: bool, progress: Progress
) -> ImportedFiles:
    """Reads the files and folders that `names` gives and, with `store`, imports their sessions.

    Raises UserError: REFUSED if Carryover is paused, NOTHING_FOUND if there is no transcript at all. What is wrong with
    one file is in its report.
    """
    if store:
        refuse_paused("imported")
    config = load_config(state_dir().config)
    root = project_root(project, must_exist=True) if project is not None else None
    files = (
        Candidate(path, project=root, agent_id=agent, in_folder=in_folder, declared=config.sources)
        for path, in_folder in _named(names)
    )
    imports = _imported(files, again=again, store=store, progress=progress)
    if imports.others and not imports.reports:
        which = "the file" if imports.others == 1 else f"any of the {counted(imports.others, 'file')}"
        raise UserError(
            f"No known agent wrote {which} there. Nothing was imported.",
            ExitCode.NOTHING_FOUND,
        )
    excluded = {root: project_settings(Path(root), config).excluded for root in imports.roots}
    return msgspec.structs.replace(
        imports,
        excluded={root: reason for root, reason in excluded.items() if reason is not None},
        away=frozenset(root for root in imports.roots if not is_folder(Path(root))),
        project=root,
    )


def _imported(files: Iterable[Candidate], *, again: bool, store: bool, progress: Progress) -> ImportedFiles:
    """Imports the oldest content first, since a session may be in several files, and reports in the order of `files`.
    Of the projects nothing is said yet."""
    named = [*files]
    surveys = [_surveyed(file) for file in progress.each(named, "file", "looked into")]
    failed = {place: each for place, each in enumerate(surveys) if isinstance(each, UserError)}
    found = {place: each for place, each in enumerate(surveys) if not isinstance(each, UserError)}
    by_age = sorted(found.items(), key=lambda each: _age(each[1][1])) if store else []
    for place, (document, report) in progress.each(by_age, "transcript", "imported"):
        try:
            _store(document, named[place], report, again=again)
        except UserError as error:
            failed[place] = error
    reports: list[Report] = []
    code = ExitCode.OK
    others = 0
    for place, file in enumerate(named):
        if (failure := failed.get(place)) is None:
            reports.append(found[place][1])
        elif file.in_folder and failure.code == ExitCode.NOTHING_FOUND:
            others += 1
        else:
            reports.append(Report(file=str(file.path), in_folder=file.in_folder, problem=str(failure)))
            # Of a folder, a file whose name can't be recorded is no reason to call the import failed.
            code = code or (ExitCode.OK if file.in_folder and not is_utf8(file.path) else failure.code)
    return ImportedFiles(reports=reports, others=others, code=code)


def _surveyed(file: Candidate) -> tuple[OpenedDocument, Report] | UserError:
    try:
        return survey_file(replace(file))  # a copy: it holds the beginning of the file
    except UserError as error:
        return error


def _age(report: Report) -> tuple[int, int, str]:
    """Orders files by the minutes in which their content begins and ends, since SpecStory's may have no seconds, and
    those that are alike by name: there the one with seconds is first."""
    return (report.first_ms or 0) // _MINUTE_MS, (report.last_ms or 0) // _MINUTE_MS, report.file


def _named(names: Sequence[str]) -> Iterator[tuple[Path, bool]]:
    """The files that are named, each once, and those in folders that are named, by name; whether it is in one."""
    for name in dict.fromkeys(names):
        path = target(name)
        if not is_folder(path):
            yield path, False
            continue
        below = [Path(one.path) for one in entries_below(path, passing=".git") if one.is_file(follow_symlinks=False)]
        if not below:
            raise UserError(f"There is no file in {path}. Nothing was imported.", ExitCode.NOTHING_FOUND)
        yield from ((file, True) for file in sorted(below))


def survey_file(file: Candidate) -> tuple[OpenedDocument, Report]:
    """Opens a file and reads what is in it; stores nothing. Raises UserError if it can't be imported."""
    from carryover.importing.document import open_document

    path = file.path
    document = open_document(file)
    try:
        report = survey_document(document, root_of)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
        raise UserError(f"{path} can't be read: {why}. Nothing was imported from it.") from error
    report.in_folder = file.in_folder
    for source in file.declared:
        if source.agent == document.agent.id:
            report.misdeclared = [*_misspelt(load_config(state_dir().config)), *_misdeclared(source, report)]
    _refuse_useless(report, path)
    return document, report


def _refuse_useless(report: Report, path: Path) -> None:
    """Raises UserError if there is nothing in the file that could be recorded."""
    if report.misdeclared and not report.projects:
        wrong = " ".join(report.misdeclared)
        raise UserError(f"{path} can't be imported as a session of {report.form}. {wrong}", ExitCode.REFUSED)
    if not report.events:
        raise UserError(
            f"{path} holds no conversation that can be read as one of {report.form}: "
            f"{sum(report.unknown.values())} of its {counted(report.records, 'record')} were not understood. It may be "
            "cut off. Nothing was imported from it.",
            ExitCode.NOTHING_FOUND,
        )
    if not report.projects:
        raise UserError(
            f"{path} does not say in which project its sessions were. Nothing was imported from it. "
            "Name the project with --project DIR; `--project .` is the one you are in.",
            ExitCode.REFUSED,
        )
    if not is_utf8(path):
        raise UserError(f"The name of {path} is not UTF-8. Rename the file or copy it, then import that.")


def _store(document: OpenedDocument, file: Candidate, report: Report, *, again: bool) -> None:
    """Imports the document and reports what that did. A session that the ledger has already stays in its project."""
    done = import_document(file, again=again, document=document)
    report.new_events, report.forgotten, report.problem = done.new_events, done.forgotten, done.problem
    with reading(state_dir().ledger) as db:
        ids = (project_of_session(db, report.agent, session) for session in report.sessions)
        rows = [project_by_id(db, project) for project in dict.fromkeys(ids) if project is not None]
        if report.forgotten:
            report.forgotten_ms = forgotten_ms(db, report.agent, report.sessions, report.projects)
    report.projects = [row.root for row in rows if row is not None] or report.projects


def import_document(
    file: Candidate,
    *,
    again: bool,
    document: OpenedDocument | None = None,
    otherwise: str = "Nothing was imported.",
) -> Report:
    """Imports a file, which is open as `document` already or is opened where it is read, into the ledger. Raises
    UserError, which ends with `otherwise` if another process holds the ledger."""
    which = {"path": str(file.path), "project": file.project or "", "agent": file.agent_id or ""}
    query = {**which, "again": "1"} if again else which
    private_dir(state_dir().root)
    store_here = partial(_store_here, file, document, again)
    return written_daemonless("/import", query, Report, store_here, timeout_s=_ANSWER_S, otherwise=otherwise)


async def _store_here(
    file: Candidate, document: OpenedDocument | None, again: bool, ledger: Ledger, paths: StatePaths
) -> Report:
    """Imports the document in this process, and publishes the handoffs of projects with recent activity."""
    # Not at the top: the daemon has loaded all of it, and a pin only asks the daemon.
    from carryover.importing.document import open_document, take_in
    from carryover.publish.forgetting import publish_here

    document = document or open_document(file)
    config = load_config(paths.state.config)
    done = await take_in(ledger, document, again=again, root_of=paths.root_of, now_ms=utc_now_ms)
    since_ms = utc_now_ms() - config.publish.active_ms
    with closing(connect_read_only(paths.state.ledger)) as db:
        recent = [row.id for row in projects(db) if row.id in done.projects and row.last_event_ms >= since_ms]
    problems = await publish_here(ledger, paths, config, recent, ())
    problem = done.error or next(iter(problems), None)
    return Report(new_events=done.new_events, forgotten=done.forgotten, problem=problem)


def _misspelt(config: Config) -> Iterator[str]:
    names = (key.partition(".")[2] for key in config.unknown_keys if key.startswith("sources["))
    yield from (f"No key of a source is named {name}." for name in names)


def _misdeclared(declared: DeclaredSource, found: Report) -> Iterator[str]:
    if not found.prompts:
        yield f"No record is a prompt: `role` is {declared.role!r}, `text` is {declared.text!r}."
    if not found.answers:
        yield f"No record is an answer: `role` is {declared.role!r}, `text` is {declared.text!r}."
    if found.events and not found.folders:
        yield (
            f"No record names its working folder: `folder` is {declared.folder!r}. "
            "Name another field, or the one project of these files with `project`."
        )
    if found.timeless:
        yield f"{found.timeless} of {found.events} events have no time: `time` is {declared.time!r}."
    if found.unnamed:
        yield f"{found.unnamed} tool calls have no name: `name` is {declared.name!r}."
    if found.calls and not found.results:
        yield f"No call has a result: `result` is {declared.result!r}, `result_id` is {declared.result_id!r}."
