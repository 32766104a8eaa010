"""`carryover note`: records a web chat's answer in the project's ledger, marked as outside text."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from carryover.actions.context import project_root, state_dir
from carryover.cli.arguments import describe
from carryover.config import load_config
from carryover.errors import ExitCode, UserError
from carryover.fsio import read_bytes_bounded
from carryover.paths import expanded
from carryover.terminal.output import one_line, print_json, print_lines

DESCRIPTION: Final = """\
Records a text from outside, such as the answer of a web chat to what `carryover
export` made: from FILE, or from standard input. The next agent sees a line in
the handoff that names it, marked as a second opinion: not what you said, and
not what an agent did. `carryover show` prints it, `carryover forget` removes
it. Secrets are taken out."""

EXAMPLES: Final = """\
examples:
  carryover note answer.md --from chatgpt
  pbpaste | carryover note --from gemini --title "On the cache"
"""

MOST_BYTES: Final = 1 << 20
_SOURCE_CHARS: Final = 40
_TITLE_CHARS: Final = 100
_USUAL_SOURCE: Final = "a web chat"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="the text (default, and `-`: standard input)"
    )
    parser.add_argument("--from", dest="source", metavar="NAME", help="who wrote it: a chat's id or any name")
    parser.add_argument("--title", metavar="TEXT", help="what it is about (default: its first line)")
    parser.add_argument("--project", metavar="DIR", help="a folder of the project (default: this one)")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    from carryover.actions.importing import record_note
    from carryover.actions.recorded import refuse_excluded

    state, root = state_dir(), project_root(args.project, must_exist=True)
    if state.paused.exists():
        raise UserError(
            "Carryover is paused, so nothing was recorded. `carryover unpause` ends the pause.", ExitCode.REFUSED
        )
    refuse_excluded(root, load_config(state.config))
    source = _source(args.source)
    text = _text(args.file)
    title = _title(source, args.title, text)
    session, is_new = record_note(state, root, source, title, (text,))
    if args.json:
        print_json({"session": session, "project": root, "title": title, "new": is_new})
        return ExitCode.OK
    where = f"`carryover show {session}` prints it"
    if is_new:
        print_lines([f"✓ {title}", f"  Recorded as {session}: the next agent finds it in the handoff, and {where}."])
    else:
        print_lines([f"· Recorded already as {session}; {where}."])
    return ExitCode.OK


def _source(given: str | None) -> str:
    from carryover.views.web_chat import web_chats

    name = one_line(given or "", _SOURCE_CHARS)
    if given is not None and not name:
        raise UserError("--from needs a name, such as chatgpt. Nothing was recorded.", ExitCode.USAGE)
    known = web_chats().get(name.lower())
    return known.name if known is not None else name or _USUAL_SOURCE


def _text(file: str) -> str:
    """Returns the text, without any part of an export that was copied along with it."""
    from carryover.distill.own_text import without_handoffs
    from carryover.export.quoting import safe

    try:
        data = _standard_input() if file == "-" else read_bytes_bounded(Path(os.fspath(expanded(file))), MOST_BYTES)
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


def _standard_input() -> bytes:
    if sys.stdin.isatty():
        print("Paste the answer, then press Ctrl-D on an empty line.", file=sys.stderr)
    return sys.stdin.buffer.read(MOST_BYTES + 1)


def _title(source: str, given: str | None, text: str) -> str:
    from carryover.export.quoting import safe
    from carryover.text.markdown import plain, prose_lines

    first_line = plain(next(iter(prose_lines(text)), text))
    return f"Second opinion from {source}: {one_line(safe(given or '').text.strip() or first_line, _TITLE_CHARS)}"
