"""`carryover import` and `note`: read transcripts and texts from outside into the ledger, with or without a daemon."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.actions.context import project_root, state_dir
from carryover.actions.output_file import target
from carryover.agents import agent_name
from carryover.cli.arguments import describe, flag
from carryover.config import Config, load_config, project_settings
from carryover.errors import ExitCode, UserError
from carryover.fsio import is_folder, read_bytes_bounded
from carryover.paths import expanded, is_utf8
from carryover.terminal.output import counted, local_time, one_line, put, warn
from carryover.terminal.paths import quoted

if TYPE_CHECKING:
    from carryover.actions.importing import FileReport

IMPORT: Final = """\
Takes transcripts from files that you name into the ledger: exports, documents
of older versions, transcripts copied from another machine, sessions saved by
SpecStory, chats that an agent's client exported as Markdown or JSON,
trajectories of any tool in ATIF, and any chat in which lines such as `user:`
and `assistant:`, or messages with `role` and `content`, tell who speaks. Of a
folder, such as one of another machine or an archive that you unpacked, every
file that a known agent wrote is taken. They are read as any transcript is:
secrets are taken out, and what the ledger has already is not added again, so
importing twice changes nothing. What you had forgotten stays out; --again takes
it back.

Sessions belong to the project that the file names, or to the one of --project.
An import reads what you name, also of an agent that you did not select.

A file of `carryover share` is opened with your ssh key, this machine's key for
synchronising, or --identity. It is shown first and you are asked; it belongs to
the project you are in, and the next agent finds it named in the handoff, as
another person's words."""

FEW: Final = 3
"""How many projects are named; of more, only their number is given."""

IMPORT_EXAMPLES: Final = """\
  carryover import --dry-run chat.json         what is in it; stores nothing
  carryover import session.jsonl               a copied transcript
  carryover import .specstory/history/*.md     what SpecStory saved
  carryover import ~/old-laptop                every transcript in a folder
  carryover import chat.json --project ~/shop  a file that names no project
  carryover import shop.age                    what a colleague shared with you"""


def import_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, IMPORT, IMPORT_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("files", metavar="FILE", nargs="+", help="an exported or copied transcript, or a folder")
    parser.add_argument(
        "--project", metavar="DIR", help="the project that the sessions belong to, whatever the file says"
    )
    parser.add_argument("--agent", metavar="AGENT", help="whose sessions they are, where the file does not say")
    flag(parser, "--again", "also take back what you had forgotten")
    parser.add_argument("--identity", metavar="FILE", help="the private key that opens a file of `carryover share`")
    flag(parser, "--expired", "import what someone shared also after the time they gave it")
    flag(parser, "--yes", "ask nothing before importing what someone shared")
    flag(parser, "--dry-run", "say what would be imported; store nothing")
    flag(parser, "--json", "print what was done as JSON; times are UTC milliseconds")


def run_import(args: argparse.Namespace) -> int:
    from carryover.actions.importing import Asked, FileReport, import_file
    from carryover.actions.sharing import is_share

    state = state_dir()
    if state.paused.exists() and not args.dry_run:
        raise UserError(
            "Carryover is paused, so nothing was imported. `carryover unpause` ends the pause.", ExitCode.REFUSED
        )
    if any(map(is_share, args.files)):
        from carryover.cli.share import import_share

        import_share(args)
        return ExitCode.OK
    project = project_root(args.project, must_exist=True) if args.project is not None else None
    alone: list[FileReport] = []
    of_folders: list[FileReport] = []
    code, others = ExitCode.OK, 0
    for path, in_folder in _named(args.files):
        try:
            asked = Asked(path, project, args.agent, args.again, in_folder)
            report = import_file(state, asked, store=not args.dry_run)
            is_like_others = in_folder and not report.torn and report.problem is None
            (of_folders if is_like_others else alone).append(report)
        except UserError as error:
            if in_folder and error.code == ExitCode.NOTHING_FOUND:
                others += 1
            else:
                alone.append(FileReport(file=str(path), problem=str(error)))
                # Of a folder, a file whose name can't be recorded is no reason to call the import failed.
                code = code or (ExitCode.OK if in_folder and not is_utf8(path) else error.code)
    reports = [*alone, *of_folders]
    if others and not reports:
        raise UserError(
            f"No known agent wrote any of the {counted(others, 'file')} there. Nothing was imported.",
            ExitCode.NOTHING_FOUND,
        )
    lines = [*_lines(alone, of_folders, load_config(state.config), dry_run=args.dry_run)]
    if others:
        lines.append(f"{counted(others, 'other file')} there: not a transcript that can be read, and left alone.")
    put(args, {"dry_run": args.dry_run, "files": reports, "others": others}, lines)
    for problem in [report.problem for report in reports if report.problem is not None and not args.json]:
        warn(f"carryover: {problem}")
    taken = [report for report in reports if report.sessions]
    return code or (ExitCode.OK if taken and not any(report.problem for report in taken) else ExitCode.FAILED)


def _named(names: Sequence[str]) -> Iterator[tuple[Path, bool]]:
    """The files that are named, each once, and those in folders that are named, oldest first; whether it is in one."""
    for name in dict.fromkeys(names):
        path = target(name)
        if not is_folder(path):
            yield path, False
            continue
        found = [Path(folder, file) for folder, _, files in os.walk(path) for file in files]
        dated = sorted((file.lstat().st_mtime_ns, file) for file in found if not file.is_symlink() and file.is_file())
        if not dated:
            raise UserError(f"There is no file in {path}.", ExitCode.NOTHING_FOUND)
        yield from ((file, True) for _, file in dated)


def _lines(
    alone: Sequence[FileReport], of_folders: Sequence[FileReport], config: Config, *, dry_run: bool
) -> Iterator[str]:
    """Yields what was found: in detail for each file that was named or has a problem, in sum for those of folders."""
    roots = dict.fromkeys(root for report in (*alone, *of_folders) for root in report.projects)
    if of_folders:
        agents = ", ".join(sorted({agent_name(report.agent or "") for report in of_folders}))
        sessions = len({(report.agent, session) for report in of_folders for session in report.sessions})
        new = "" if dry_run else f"; {counted(sum(report.new_events or 0 for report in of_folders), 'event')} added"
        mark, files = "·" if dry_run else "✓", counted(len(of_folders), "file")
        yield f"{mark} {files}: {counted(sessions, 'session')} of {agents}, in {counted(len(roots), 'project')}{new}"
        if forgotten := sum(report.forgotten for report in of_folders):
            yield f"  {counted(forgotten, 'event')} left out: you had this forgotten. --again takes it back."
    for report in alone:
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
        elif len(roots) <= FEW:
            yield f"`carryover handoff {quoted(root)}` prints the handoff."
    if len(roots) > FEW:
        yield "`carryover sessions --all` lists the sessions of all projects."


def _content(report: FileReport) -> str:
    agent = agent_name(report.agent or "")
    days = (local_time(at_ms).split()[0] for at_ms in (report.first_ms, report.last_ms) if at_ms is not None)
    facts = (
        f"{counted(len(report.sessions), 'session')} of {agent}",
        f"saved by {report.form}" if report.form != agent else "",
        counted(report.prompts, "prompt"),
        " to ".join(dict.fromkeys(days)),
    )
    return f"{', '.join(filter(None, facts))}; of {_named_roots(report.projects)}"


def _named_roots(roots: Sequence[str]) -> str:
    return ", ".join(roots) if len(roots) <= FEW else counted(len(roots), "project")


def _notes(report: FileReport, *, dry_run: bool) -> Iterator[str]:
    if not dry_run:
        new = report.new_events or 0
        if new or not report.forgotten:
            yield f"{counted(new, 'event')} added." if new else "Nothing added: the ledger has all of it."
        if report.forgotten:
            when = f" on {local_time(report.forgotten_ms)}" if report.forgotten_ms else ""
            yield f"{counted(report.forgotten, 'event')} left out: you had this forgotten{when}. --again takes it back."
    away = [root for root in report.projects if not is_folder(Path(root))]
    if away:
        yield f"{_named_roots(away)}: no such folder here; --project DIR puts the sessions into one that is."
    if report.torn:
        yield "Its last line is cut off and was left out."
    if report.oversized:
        yield f"{counted(report.oversized, 'record')} too long to be read."
    if report.skipped:
        yield f"{counted(report.skipped, 'record')} not understood and skipped; nothing else is affected."


NOTE: Final = """\
Records a text from outside, such as the answer of a web chat to what `carryover
export` made: from FILE, or from standard input. The next agent sees a line in
the handoff that names it, marked as a second opinion: not what you said, and
not what an agent did. `carryover show` prints it, `carryover forget` removes
it. Secrets are taken out."""

NOTE_EXAMPLES: Final = """\
  carryover note answer.md --from chatgpt
  pbpaste | carryover note --from gemini --title "On the cache\""""

MOST_BYTES: Final = 1 << 20
_SOURCE_CHARS: Final = 40
_TITLE_CHARS: Final = 100
_USUAL_SOURCE: Final = "a web chat"


def note_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, NOTE, NOTE_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="the text (default, and `-`: standard input)"
    )
    parser.add_argument("--from", dest="source", metavar="NAME", help="who wrote it: a chat's id or any name")
    parser.add_argument("--title", metavar="TEXT", help="what it is about (default: its first line)")
    parser.add_argument("--project", metavar="DIR", help="a folder of the project (default: this one)")
    flag(parser, "--json", "print what was done as JSON")


def run_note(args: argparse.Namespace) -> None:
    from carryover.actions.context import refuse_excluded
    from carryover.actions.importing import record_note
    from carryover.export.quoting import safe
    from carryover.text.markdown import plain, prose_lines
    from carryover.views.web_chat import web_chats

    state, root = state_dir(), project_root(args.project, must_exist=True)
    if state.paused.exists():
        raise UserError(
            "Carryover is paused, so nothing was recorded. `carryover unpause` ends the pause.", ExitCode.REFUSED
        )
    refuse_excluded(root, load_config(state.config))
    source = one_line(args.source or "", _SOURCE_CHARS)
    if args.source is not None and not source:
        raise UserError("--from needs a name, such as chatgpt. Nothing was recorded.", ExitCode.USAGE)
    known = web_chats().get(source.lower())
    source = known.name if known is not None else source or _USUAL_SOURCE
    text = _text(args.file)
    about = safe(args.title or "").text.strip() or plain(next(iter(prose_lines(text)), text))
    title = f"Second opinion from {source}: {one_line(about, _TITLE_CHARS)}"
    session, is_new = record_note(state, root, source, title, (text,))
    where = f"`carryover show {session}` prints it"
    lines = [f"· Recorded already as {session}; {where}."]
    if is_new:
        lines = [f"✓ {title}", f"  Recorded as {session}: the next agent finds it in the handoff, and {where}."]
    put(args, {"session": session, "project": root, "title": title, "new": is_new}, lines)


def _text(file: str) -> str:
    """Returns the text, without any part of an export that was copied along with it."""
    from carryover.distill.own_text import without_handoffs
    from carryover.export.quoting import safe

    try:
        if file == "-":
            if sys.stdin.isatty():
                warn("Paste the answer, then press Ctrl-D on an empty line.")
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            data = read_bytes_bounded(Path(expanded(file)), MOST_BYTES)
    except FileNotFoundError as error:
        raise UserError(f"There is no file {file}. Nothing was recorded.", ExitCode.NOTHING_FOUND) from error
    except OSError as error:
        raise UserError(f"{file} can't be read: {error.strerror}. Nothing was recorded.") from error
    if len(data) > MOST_BYTES:
        raise UserError(f"The text is longer than {MOST_BYTES >> 20} MiB. Nothing was recorded.", ExitCode.REFUSED)
    if b"\0" in data:
        raise UserError("That is not a text. Nothing was recorded.", ExitCode.REFUSED)
    text = safe(without_handoffs(data.decode("utf-8-sig", "replace"))).text.strip()
    if not text:
        raise UserError("The text is empty. Nothing was recorded.", ExitCode.NOTHING_FOUND)
    return text
