"""`carryover export`: writes a project as one document for a web chat, or a session as a file to read and keep."""

from __future__ import annotations

import argparse
import os
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.actions.context import agents_own, project_root, settings_to_print, state_dir
from carryover.cli.arguments import describe
from carryover.errors import ExitCode, UserError, visible
from carryover.fsio import atomic_replace
from carryover.paths import expanded, short_path
from carryover.terminal.output import can_ask, confirmed, counted, harmless, one_line

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

With --session it prints one session as Markdown or as a web page."""

EXAMPLES: Final = """\
examples:
  carryover export --for chatgpt --question "Is the cache sound?" --copy
  carryover export --for gemini -o shop.md         into a file, mode 0600
  carryover export --budget 4000                   a short one
  carryover export --session 3f2a --format html -o session.html
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
    parser.add_argument("--format", choices=("md", "html"), help="with --session: Markdown (default) or a web page")
    parser.add_argument("--full", action="store_true", help="with --session: the work of sub-agents too")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write it to FILE, which only you can read; asks before it replaces one",
    )
    parser.add_argument("--yes", action="store_true", help="with --copy or -o: ask nothing")


def run(args: argparse.Namespace) -> int:
    _check(args)
    if args.output is not None and not _may_write(path := _target(args.output), ask=not args.yes):
        print(f"{visible(str(path))} stays as it was.")
        return ExitCode.INTERRUPTED
    if args.session is not None:
        _put(_session_text(args.session, args.format or "md", full=args.full), args)
        return ExitCode.OK
    document = _document(args)
    _list(document)
    if args.copy:
        return _copy(document, ask=not args.yes)
    _put(document.text, args)
    return ExitCode.OK


def _check(args: argparse.Namespace) -> None:
    of_project = (args.project, args.chat, args.question, args.budget, args.copy or None)
    if args.session is not None and any(given is not None for given in of_project):
        raise UserError(
            "--session can't be combined with PROJECT, --for, --question, --budget or --copy.", ExitCode.USAGE
        )
    if args.session is None and (args.format is not None or args.full):
        raise UserError("--format and --full need --session ID.", ExitCode.USAGE)
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


def _session_text(name: str, form: str, *, full: bool) -> str:
    from carryover.actions.recorded import ledger_with_session
    from carryover.agents import agent_names
    from carryover.export import quoting
    from carryover.export.session_html import session_html
    from carryover.export.session_markdown import session_markdown
    from carryover.export.session_parts import SessionHead, cleaned, session_parts
    from carryover.ledger.queries import session_events

    with ledger_with_session(name) as (ledger, session):
        agent = agent_names().get(session.agent, session.agent)
        head = SessionHead(
            id=session.native_id,
            agent=f"{agent} {session.agent_version or ''}".strip(),
            title=quoting.one_line(session.title or ""),
            project=short_path(session.root, Path.home()) if session.root else "",
            branch=session.branch or "",
            model=session.model or "",
            exported_ms=int(time.time() * 1000),
        )
        events = session_events(ledger, session)
        parts = cleaned(session_parts(events, agent=agent, root=session.root, subagents=full))
        if form == "html":
            return "".join(session_html(head, parts))
        return "\n".join(session_markdown(head, parts)) + "\n"


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

    if ask:
        if not can_ask():
            raise UserError(
                "There is no terminal to ask on, so nothing was copied. Run it on a terminal, or with --yes.",
                ExitCode.REFUSED,
            )
        if not confirmed("Copy this? It leaves this machine where you paste it. [y/N]"):
            print("Nothing was copied.")
            return ExitCode.INTERRUPTED
    way = copy(document.text, Machine.here(), instead="have `carryover export -o FILE` write it to a file")
    print(f"The document is on the clipboard ({way}). `carryover note` takes the answer back.")
    return ExitCode.OK


def _target(output: str) -> Path:
    return Path(os.path.abspath(expanded(output)))  # noqa: PTH100 (a link keeps its name)


def _may_write(path: Path, *, ask: bool) -> bool:
    """Whether `path` may be written. An existing file is replaced only if the user agrees.

    Raises UserError (REFUSED) if it is not a regular file, or if there is no one to ask.
    """
    try:
        if not os.path.lexists(path):
            return True
        # Nor is a symlink accepted: one from a repository may lead to any file of the user's.
        if not stat.S_ISREG(path.lstat().st_mode):
            kind = "a symlink" if path.is_symlink() else "no file"
            raise UserError(f"{path} is {kind}, so nothing was written. Name a file with -o.", ExitCode.REFUSED)
    except OSError as error:
        raise _unwritable(path, error) from error
    if not ask:
        return True
    if not can_ask():
        raise UserError(
            f"{path} is there already, so nothing was written. Name another file, or replace it with --yes.",
            ExitCode.REFUSED,
        )
    return confirmed(f"{visible(str(path))} is there already. Replace it? [y/N]")


def _put(text: str, args: argparse.Namespace) -> None:
    if args.output is None:
        sys.stdout.write(text)
        return
    path = _target(args.output)
    try:
        is_new = not os.path.lexists(path)
        atomic_replace(path, text.encode("utf-8", "replace"), mode=0o600 if is_new else None, follow=False)
    except OSError as error:
        raise _unwritable(path, error) from error
    readers = ", which only you can read" if is_new else "; who can read it is as before"
    print(f"Written to {visible(str(path))}{readers}.", file=sys.stderr)


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} can't be written: {error.strerror or error}. Name another file with -o.")
