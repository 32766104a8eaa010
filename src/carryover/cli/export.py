"""`carryover export`: writes a project as one document for a web chat, or a session as a file to read and keep."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Literal

from carryover.actions.context import agents_own, project_root, settings_to_print, state_dir
from carryover.cli.arguments import agreed, describe
from carryover.cli.output_file import may_replace, may_write, target, unwritable
from carryover.errors import ExitCode, UserError, visible
from carryover.fsio import atomic_replace
from carryover.terminal.output import counted, harmless, one_line, print_json

if TYPE_CHECKING:
    from carryover.adapter.spec import WebChat
    from carryover.export.document import Document, Request

DESCRIPTION: Final = """\
Prints the project as one document to paste where no file can be seen: a chat in
the browser. It holds the task, what you said, what worked and what did not, the
uncommitted changes, the files that matter and the instructions in force, fitted
into a budget of tokens. Secrets are taken out; files that git ignores, or whose
names say that they hold secrets, are not read. What is in it, and what was left
out, is listed on standard error. `carryover note` takes the answer back.

With --session it prints one session as Markdown or as a web page. With --all it
writes every project, its handoff and its sessions as web pages into a folder;
they need no server and no network."""

EXAMPLES: Final = """\
examples:
  carryover export --for chatgpt --question "Is the cache sound?" --copy
  carryover export --for gemini -o shop.md         into a file, mode 0600
  carryover export --budget 4000                   a short one
  carryover export --session 3f2a --format html -o session.html
  carryover export --all --format html -o ~/agents  then open ~/agents/index.html
"""

_LISTED: Final = 30
_PAUSED: Final = "Carryover is paused; this is what it recorded before. `carryover unpause` ends that."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from carryover.views.web_chat import GENERIC, web_chats

    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    chats = web_chats()
    sizes = ", ".join(f"{chat.id} {chat.budget:,}" for chat in chats.values())
    parser.add_argument(
        "--for", dest="chat", choices=tuple(chats), help=f"where it is pasted (default: {GENERIC.id}); tokens: {sizes}"
    )
    parser.add_argument("--question", metavar="TEXT", help="what you ask there; it comes last, unchanged")
    parser.add_argument("--budget", metavar="TOKENS", type=_budget, help="at most this many tokens, as estimated")
    parser.add_argument(
        "--copy", action="store_true", help="put it on the clipboard; lists what is in it and asks first"
    )
    parser.add_argument("--session", metavar="ID", help="one session instead: its id, a unique beginning, or `last`")
    parser.add_argument(
        "--all", action="store_true", help="all projects and sessions as web pages, into the folder of -o"
    )
    parser.add_argument(
        "--format", choices=("md", "html"), help="with --session: Markdown (default) or a web page; with --all: html"
    )
    parser.add_argument("--full", action="store_true", help="with --session or --all: the work of sub-agents too")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write it to FILE (with --all, a folder), which only you can read; asks before it replaces one",
    )
    parser.add_argument("--yes", action="store_true", help="with --copy or -o: ask nothing")
    parser.add_argument(
        "--json", action="store_true", help="print the document with what is in it, or what was written, as JSON"
    )


def run(args: argparse.Namespace) -> int:
    _check(args)
    if args.all:
        return _export_all(args)
    if args.output is not None and not may_write(path := target(args.output), ask=not args.yes):
        print(f"{visible(str(path))} stays as it was.")
        return ExitCode.INTERRUPTED
    if args.session is not None:
        session, text = _session_text(args.session, args.format or "md", full=args.full)
        _put(text, args, {"session": session})
        return ExitCode.OK
    document = _document(args)
    if not args.json:
        _list(document)
    if args.copy:
        return _copy(document, ask=not args.yes)
    _put(document.text, args, _as_data(document))
    return ExitCode.OK


def _check(args: argparse.Namespace) -> None:
    of_project = (args.project, args.chat, args.question, args.budget, args.copy or None)
    sessions = "--all" if args.all else "--session" if args.session is not None else None
    if sessions is not None and any(given is not None for given in of_project):
        raise UserError(
            f"{sessions} can't be combined with PROJECT, --for, --question, --budget or --copy.", ExitCode.USAGE
        )
    if sessions is None and (args.format is not None or args.full):
        raise UserError("--format and --full need --session ID or --all.", ExitCode.USAGE)
    if args.all and (args.session is not None or args.format == "md"):
        raise UserError("--all writes web pages of all sessions: leave out --session and --format md.", ExitCode.USAGE)
    if args.all and args.output is None:
        raise UserError("--all needs -o FOLDER, a new folder for the pages.", ExitCode.USAGE)
    if args.copy and args.json:
        raise UserError("Give --copy or --json, not both.", ExitCode.USAGE)
    if args.copy and args.output is not None:
        raise UserError("Give --copy or -o FILE, not both.", ExitCode.USAGE)
    if args.yes and not args.copy and args.output is None:
        raise UserError("--yes needs --copy or -o FILE.", ExitCode.USAGE)


def _budget(text: str) -> int:
    from carryover.export.document import LEAST_BUDGET

    budget = int(text.replace(",", "").replace("_", ""))
    if budget < LEAST_BUDGET:
        raise argparse.ArgumentTypeError(f"must be at least {LEAST_BUDGET}")
    return budget


def _document(args: argparse.Namespace) -> Document:
    from carryover.actions.recorded import of_recorded, refuse_excluded
    from carryover.export.document import compose
    from carryover.views.web_chat import GENERIC, gathered, web_chats

    root = project_root(args.project, must_exist=True)
    state = state_dir()
    config = settings_to_print(state)
    refuse_excluded(root, config)
    own, now_ms = agents_own(config.agents), int(time.time() * 1000)
    material = of_recorded(
        state,
        root,
        lambda ledger, project_id: gathered(root, now_ms=now_ms, ledger=(ledger, project_id), agents_own=own),
    )
    if state.paused.exists():
        print(_PAUSED, file=sys.stderr)
    if material is None:
        print("No agent's work is recorded for this project, so the document holds only its files.", file=sys.stderr)
        material = gathered(root, now_ms=now_ms)
    if material.handoff is None and not material.paths:
        raise UserError(
            f"No agent has worked in {root}, and there is no file to show. Nothing was exported.",
            ExitCode.NOTHING_FOUND,
        )
    return compose(material, _request(args, web_chats()[args.chat or GENERIC.id]))


def _session_text(name: str, form: Literal["md", "html"], *, full: bool) -> tuple[str, str]:
    """The id of the session and its document."""
    from carryover.actions.exporting import session_document
    from carryover.actions.recorded import ledger_with_session

    with ledger_with_session(name) as (ledger, session):
        return session.native_id, session_document(ledger, session, form, full=full)


def _export_all(args: argparse.Namespace) -> int:
    from carryover.actions.exporting import check_archive_folder, write_archive
    from carryover.actions.recorded import ledger_of_project
    from carryover.terminal.output import Progress

    folder = target(args.output)
    try:
        if check_archive_folder(folder) and not may_replace(folder, "an earlier export", ask=not args.yes):
            print(f"{visible(str(folder))} stays as it was.")
            return ExitCode.INTERRUPTED
        progress = Progress(sys.stderr, after_s=1.0, only_terminal=True)
        with ledger_of_project(None) as ledger:
            config = settings_to_print(state_dir())
            done = write_archive(ledger, folder, config, full=args.full, report=progress.update)
        progress.clear()
    except OSError as error:
        raise unwritable(folder, error) from error
    if args.json:
        print_json(done)
        return ExitCode.OK
    size = f"{counted(done.projects, 'project')}, {counted(done.sessions, 'session')}"
    print(f"Written to {visible(str(folder))}, which only you can read: {size}.")
    if done.excluded:
        print(f"Left out: {counted(done.excluded, 'project')} that you excluded from Carryover.")
    print(f"Open {visible(str(folder / 'index.html'))} in a browser. Read it before you share it.")
    return ExitCode.OK


def _request(args: argparse.Namespace, chat: WebChat) -> Request:
    from carryover.export.document import Request

    return Request(
        reader=chat.name,
        budget=args.budget or chat.budget,
        tokens_percent=chat.tokens_percent,
        question=args.question or "",
    )


def _list(document: Document) -> None:
    """Lists the document's content on standard error, so that the user can check it before pasting anything."""
    lines = [f"About {document.tokens:,} of {document.budget:,} tokens. Files in it, with the tokens of each:"]
    lines += [f"  {tokens:>7,}  {path}" for path, tokens in document.included[:_LISTED]]
    if not document.included:
        lines = [f"About {document.tokens:,} of {document.budget:,} tokens. No file of the project is in it."]
    if len(document.included) > _LISTED:
        lines.append(f"  and {counted(len(document.included) - _LISTED, 'more file')}")
    if document.left_out:
        lines.append("Left out:")
        lines += [f"  {one_line(left.what, 80)}: {left.why}" for left in document.left_out[:_LISTED]]
    if len(document.left_out) > _LISTED:
        lines.append(f"  and {len(document.left_out) - _LISTED} more")
    if not document.fits:
        lines.append("The task and the question alone are longer than the budget.")
    for line in lines:
        print(harmless(line), file=sys.stderr)


def _copy(document: Document, *, ask: bool) -> int:
    from carryover.actions.clipboard import copy
    from carryover.install.machine import Machine

    if not agreed("Copy this? It leaves this machine where you paste it.", "copied", ask=ask):
        print("Nothing was copied.")
        return ExitCode.INTERRUPTED
    way = copy(document.text, Machine.here(), instead="have `carryover export -o FILE` write it to a file")
    print(f"The document is on the clipboard ({way}). `carryover note` takes the answer back.")
    return ExitCode.OK


def _as_data(document: Document) -> dict[str, Any]:
    return {
        "tokens": document.tokens,
        "budget": document.budget,
        "files": [{"path": path, "tokens": tokens} for path, tokens in document.included],
        "left_out": [{"what": left.what, "why": left.why} for left in document.left_out],
    }


def _put(text: str, args: argparse.Namespace, about: dict[str, Any]) -> None:
    """Writes the document where it was asked for; `--json` prints `about`, and the text unless that is in a file."""
    if args.output is None:
        if args.json:
            print_json({**about, "output": None, "text": text})
        else:
            sys.stdout.write(text)
        return
    path = target(args.output)
    try:
        is_new = not os.path.lexists(path)
        atomic_replace(path, text.encode("utf-8", "replace"), mode=0o600 if is_new else None, follow=False)
    except OSError as error:
        raise unwritable(path, error) from error
    if args.json:
        print_json({**about, "output": str(path), "text": None})
        return
    readers = ", which only you can read" if is_new else "; who can read it is as before"
    print(f"Written to {visible(str(path))}{readers}.", file=sys.stderr)
