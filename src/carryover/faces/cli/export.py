"""`carryover export`: writes a project as one document for a web chat, or a session as a file to read and keep."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from carryover.actions.clipboard import copy
from carryover.actions.output_file import target, write_output
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import describe, flag, positive
from carryover.faces.cli.output_file import may_write
from carryover.past.chat_document import LEAST_BUDGET, USUAL_CHAT, DocumentForChat, document_for_chat, web_chats
from carryover.past.session import opened_session, session_document
from carryover.terminal.output import agree, counted, print_document, print_json, say, warn
from carryover.text.harmless import one_line

DESCRIPTION: Final = """\
Prints the project as one document to paste where no file can be seen: a chat in
the browser. It holds the task, what you said, what worked and what did not, the
uncommitted changes, the files that matter and the instructions in force, fitted
into a budget of tokens. Secrets are taken out; files that git ignores, or whose
names say that they hold secrets, are not read. What is in it, and what was left
out, is listed on standard error. `carryover note` takes the answer back.

With --session it prints one session as Markdown, or as a trajectory in ATIF
1.7, which other tools read."""

EXAMPLES: Final = """\
  carryover export --for chatgpt --question "Is the cache sound?" --copy
  carryover export --for gemini -o shop.md         into a file, mode 0600
  carryover export --budget 4000                   a short one
  carryover export --session 3f2a -o session.md
  carryover export --session last --format atif --full -o trajectory.json"""

_LISTED: Final = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    add("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    chats = web_chats()
    sizes = ", ".join(f"{chat.id} {chat.budget:,}" for chat in chats.values())
    add(
        "--for",
        dest="chat",
        choices=tuple(chats),
        help=f"where it is pasted (default: {USUAL_CHAT}); tokens: {sizes}",
    )
    add("--question", metavar="TEXT", help="what you ask there; it comes last, unchanged")
    tokens = partial(positive, least=LEAST_BUDGET)
    add("--budget", metavar="TOKENS", type=tokens, help=f"at most this many, as estimated; {LEAST_BUDGET:,} or more")
    flag(parser, "--copy", "put it on the clipboard; lists what is in it and asks first")
    add("--session", metavar="ID", help="one session instead: its id, a unique beginning, or `last`")
    add(
        "--format",
        choices=("md", "atif"),
        help="with --session: Markdown (default), or a trajectory for tools (ATIF 1.7)",
    )
    flag(parser, "--full", "with --session: the work of sub-agents too")
    add(
        "-o",
        "--output",
        metavar="FILE",
        help="write it to FILE, which only you can read; asks before it replaces one",
    )
    flag(parser, "--yes", "with --copy or -o: ask nothing")
    flag(parser, "--json", "print the document with what is in it, or what was written, as JSON")


def run(args: argparse.Namespace) -> None:
    if problem := _problem(args):
        raise UserError(problem, ExitCode.USAGE)
    path = target(args.output) if args.output is not None else None
    if path is not None:
        may_write(path, args)
    if args.session is None:
        _document(args, path)
        return

    with opened_session(args.session) as opened:
        text = session_document(opened, args.format or "md", full=args.full)
        _put(text, path, args, {"session": opened.session.native_id})


def _document(args: argparse.Namespace, path: Path | None) -> None:
    document = document_for_chat(args.project, args.chat, question=args.question or "", budget=args.budget)
    if not args.json:
        warn(*_listed(document))
    if args.copy:
        agree(args, "Copy this? It leaves this machine where you paste it.", nothing="copied")
        way = copy(document.text, instead="have `carryover export -o FILE` write it to a file")
        say(f"The document is on the clipboard ({way}). `carryover note` takes the answer back.")
    else:
        _put(document.text, path, args, _as_data(document))


def _problem(args: argparse.Namespace) -> str:
    """Says which of the options can't be combined; empty if all can."""
    of_project = (args.project, args.chat, args.question, args.budget, args.copy or None)
    problems = {
        "--session can't be combined with PROJECT, --for, --question, --budget or --copy.": (
            args.session is not None and any(value is not None for value in of_project)
        ),
        "--format and --full need --session ID.": args.session is None and (args.format or args.full),
        "Give --copy alone, without --json and -o FILE.": args.copy and (args.json or args.output is not None),
        "--yes needs --copy or -o FILE.": args.yes and not args.copy and args.output is None,
    }
    return next((problem for problem, holds in problems.items() if holds), "")


def _listed(document: DocumentForChat) -> Iterator[str]:
    """Yields the document's content, so that the user can check it before pasting anything."""
    included, left_out = document.included, document.left_out
    amount = f"About {document.tokens:,} of {document.chat.budget:,} tokens."
    yield f"{amount} {'Files in it, with the tokens of each:' if included else 'No file of the project is in it.'}"
    yield from (f"  {tokens:>7,}  {path}" for path, tokens in included[:_LISTED])
    if len(included) > _LISTED:
        yield f"  and {counted(len(included) - _LISTED, 'more file')}"
    if left_out:
        yield "Left out:"
        yield from (f"  {one_line(what, 80)}: {why}" for what, why in islice(left_out.items(), _LISTED))
    if len(left_out) > _LISTED:
        yield f"  and {len(left_out) - _LISTED} more"
    if not document.fits:
        yield "The task and the question alone are longer than the budget."


def _as_data(document: DocumentForChat) -> dict[str, Any]:
    return {
        "tokens": document.tokens,
        "budget": document.chat.budget,
        "files": [{"path": path, "tokens": tokens} for path, tokens in document.included],
        "left_out": [{"what": what, "why": why} for what, why in document.left_out.items()],
    }


def _put(text: str, path: Path | None, args: argparse.Namespace, about: dict[str, Any]) -> None:
    """Writes the document to `path`, else prints it; `--json` prints `about`, and the text unless that is in a file."""
    is_new = write_output(path, text.encode("utf-8", "replace")) if path is not None else False
    if args.json:
        print_json({**about, "output": str(path) if path is not None else None, "text": text if path is None else None})
    elif path is None:
        print_document(text)
    else:
        readers = ", which only you can read" if is_new else "; who can read it is as before"
        warn(f"Written to {path}{readers}.")
