"""`carryover share` and `import` of what it wrote: a handoff, which only the person named can open."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.actions.output_file import target, write_output
from carryover.errors import ExitCode, UserError, visible
from carryover.faces.cli.arguments import describe, flag
from carryover.faces.cli.output_file import may_write
from carryover.past.context import project_root, refuse_paused
from carryover.terminal.output import agree, counted, local_time, print_result, size, warn
from carryover.text.harmless import one_line

if TYPE_CHECKING:
    from carryover.actions.sharing import Bundle

DESCRIPTION: Final = """\
Writes one encrypted file for a colleague: the handoff. Only the owner of the
key named by --to can open it, and you send it, any way you like. `carryover
import FILE` takes it in there.

Secrets are taken out once more, and the path of your home folder becomes ~.
All that is in the file is shown first, and you are asked."""

EXAMPLES: Final = """\
  carryover share --to 'ssh-ed25519 AAAA...'     shows it, then asks
  carryover share --to bob.keys -o bob.age       from github.com/bob.keys"""

_MOST_LINES: Final = 90
_LINE_CHARS: Final = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    add("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    key = "who can open it: a public key (age1..., or an ssh key in quotes), or a file of that person's keys"
    add("--to", metavar="KEY", required=True, help=key)
    add("--from", dest="sender", metavar="NAME", help="your name, as it is shown there (default: your login name)")
    add("-o", "--output", metavar="FILE", help="the file to write (default: PROJECT.age in this folder)")
    flag(parser, "--yes", "ask nothing")
    flag(parser, "--json", "print what was done as JSON")


def run(args: argparse.Namespace) -> None:
    from carryover.actions.sharing import compose, encrypted, keys_in

    keys = keys_in(args.to)
    root = project_root(args.project, must_exist=True)
    bundle = compose(root, args.sender)
    path = target(args.output or f"{Path(root).name or 'project'}.age")
    where = visible(str(path))
    if not args.json or not args.yes:
        warn(
            *(f"To       {one_line(key, 100)}" for key in keys),
            *_contents(bundle, len(bundle.handoff)),
            "Patterns don't know every secret: read it.",
        )
    may_write(path, args)
    agree(args, f"Encrypt this into {where}?", nothing="written")
    data = encrypted(bundle, keys)
    write_output(path, data)
    lines = (
        f"✓ {where}: {size(len(data))}, encrypted to {counted(len(keys), 'key')}.",
        "  Send it any way you like. There, `carryover import FILE` in the project takes it in.",
    )
    print_result(args, {"output": str(path), "bytes": len(data), "recipients": keys}, lines)


def _contents(bundle: Bundle, line_chars: int) -> Iterator[str]:
    """Yields what is shared, so that the user can judge it; of a flood, the beginning."""
    yield f"From     {bundle.sender} on {bundle.host}: so it says, and nothing proves it"
    yield f"Project  {bundle.project}, {local_time(bundle.made_ms)}"
    if bundle.title:
        yield f"About    {one_line(bundle.title, line_chars)}"
    lines = [line.removeprefix("> ") for line in bundle.handoff.split("\n") if line.strip("> ")]
    yield from (f"         {one_line(line, line_chars)}" for line in islice(lines, _MOST_LINES))
    if len(lines) > _MOST_LINES:
        yield f"         and {counted(len(lines) - _MOST_LINES, 'more line')}"


def import_share(args: argparse.Namespace) -> None:
    """Imports the one file that `args` names: shows what it is, asks, and records it as another person's words."""
    from carryover.actions.noting import project_to_note_in, record_note
    from carryover.actions.sharing import SOURCE, decrypted, text_of_share, title_of_share

    if len(args.files) > 1 or args.agent is not None or args.again:
        raise UserError(
            "A file that someone shared is imported alone, without --agent and --again. Nothing was imported.",
            ExitCode.USAGE,
        )
    if not args.dry_run:
        refuse_paused("imported")
    root = project_to_note_in(args.project)
    bundle = decrypted(target(args.files[0]), args.identity)
    warn(*_contents(bundle, _LINE_CHARS))
    session, new, lines = None, False, ["Nothing was stored."]
    title = title_of_share(bundle)
    if not args.dry_run:
        agree(args, f"Take this into {root}, as another person's words?", nothing="imported")
        session, new = record_note(root, SOURCE, title, text_of_share(bundle))
        where = f"the handoff has it for a week, and `carryover show {session}` prints it."
        lines = [f"✓ {title}", f"  Recorded as {session}: {where}"]
        if not new:
            lines = [f"· Imported already, as {session}; `carryover show {session}` prints it."]
    print_result(args, {"session": session, "project": root, "title": title, "from": bundle.sender, "new": new}, lines)
