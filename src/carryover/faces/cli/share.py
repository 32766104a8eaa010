"""`carryover share` and `import` of what it wrote: a handoff with its sources, which only the people named can open."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.actions.output_file import target, write_output
from carryover.errors import ExitCode, UserError, visible
from carryover.faces.cli.arguments import describe, flag, seconds
from carryover.faces.cli.output_file import may_write
from carryover.terminal.output import agree, counted, local_time, print_lines, print_result, size, warn
from carryover.text.harmless import one_line

if TYPE_CHECKING:
    from carryover.actions.receiving import Received
    from carryover.actions.sharing import Shared

DESCRIPTION: Final = """\
Writes one encrypted file for a colleague: the handoff, and the turns that its
lines come from. It can be opened with the keys named by --to alone, and is sent
by you, any way you like. `carryover import FILE` takes it in there.

Secrets are taken out once more, and the path of your home folder becomes ~.
What is in the file is listed first, and you are asked. After --expires,
Carryover no longer imports it; who has the file and the key can still decrypt
it with other programs."""

EXAMPLES: Final = """\
  carryover share --to 'ssh-ed25519 AAAA...' --dry-run   all that it would hold
  carryover share --to bob.keys --expires 7d             from github.com/bob.keys
  carryover share --to age1... --to bob.keys -o shop.age"""

_MOST_LINES: Final = 60
_MOST_DOCUMENTS: Final = 30
_LINE_CHARS: Final = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    add("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    add(
        "--to",
        metavar="KEY",
        action="append",
        required=True,
        help="who can open it: a public key (age1..., or an ssh key in quotes) or a file of such keys; may be repeated",
    )
    add("--expires", metavar="TIME", type=seconds, help="how long it can be imported: 12h, 7d, 2w")
    add("--from", dest="sender", metavar="NAME", help="your name, as it is shown there")
    add("-o", "--output", metavar="FILE", help="the file to write (default: PROJECT.age in this folder)")
    flag(parser, "--yes", "ask nothing")
    flag(parser, "--dry-run", "print all that it would hold; write nothing")
    flag(parser, "--json", "print what was done as JSON; times are UTC milliseconds")


def run(args: argparse.Namespace) -> None:
    from carryover.actions.sharing import compose, encrypted

    shared = compose(args.project, args.to, args.sender, expires_s=args.expires)
    bundle = shared.bundle
    if args.dry_run:
        for text in (bundle.handoff, *(document.text for document in bundle.documents)):
            print_lines(text.split("\n"), fits=True)
    path = target(args.output or f"{Path(shared.root).name or 'project'}.age")
    where = visible(str(path))
    if not args.json or not args.yes:
        warn(*_preview(shared))
    if args.dry_run:
        warn("Nothing was written.")
        return
    may_write(path, args)
    agree(args, f"Encrypt this into {where}?", nothing="written")
    data = encrypted(shared)
    write_output(path, data)
    lines = (
        f"✓ {where}: {size(len(data))}, encrypted to {counted(len(shared.keys), 'key')}.",
        "  Send it any way you like. There, `carryover import FILE` in the project takes it in.",
    )
    about = {
        "output": str(path),
        "bytes": len(data),
        "recipients": [recipient.name for recipient in shared.keys],
        "expires_ms": bundle.expires_ms,
        "sessions": [document.title for document in bundle.documents],
        "left_out_sessions": shared.left_out,
        "redacted": shared.secrets,
    }
    print_result(args, about, lines)


def _preview(shared: Shared) -> Iterator[str]:
    """Yields what the file holds, so that the user can judge it before it leaves."""
    bundle = shared.bundle
    for recipient in shared.keys:
        comment = f"  ({one_line(recipient.comment, 60)})" if recipient.comment else ""
        yield f"To       {recipient.name}{comment}"
    yield f"From     {bundle.sender} on {bundle.host}, which they see and can't check"
    yield from _contents(shared)
    if shared.left_out:
        yield f"         Too much to fit: {counted(shared.left_out, 'older session')} left out."
    secrets = ", ".join(f"{kind} {count:,}" for kind, count in sorted(shared.secrets.items()))
    yield (
        f"Hidden   {f'secrets: {secrets}' if secrets else 'no secrets, as none were recognised'}; your home folder "
        "stands as ~"
    )
    yield "         Patterns don't know every secret: --dry-run prints all of it."


def _contents(shared: Shared | Received) -> Iterator[str]:
    """Yields what is shared, and until when it can be imported."""
    bundle = shared.bundle
    yield f"Project  {bundle.project}"
    lines = [line for line in bundle.handoff.split("\n") if line.strip("> ")]
    yield f"Holds    a handoff of {counted(len(lines), 'line')}:"
    yield from (f"           {one_line(line.removeprefix('> '), _LINE_CHARS)}" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"           and {counted(len(lines) - _MOST_LINES, 'more line')}"
    for document in bundle.documents[:_MOST_DOCUMENTS]:
        yield f"         {one_line(document.title, 80)}: {counted(document.text.count(chr(10)) + 1, 'line')}"
    if len(bundle.documents) > _MOST_DOCUMENTS:
        yield f"         and {counted(len(bundle.documents) - _MOST_DOCUMENTS, 'more session')}"
    until = local_time(bundle.expires_ms) if bundle.expires_ms is not None else "never"
    yield f"Made     {local_time(bundle.made_ms)}; expires: {until}"


def import_share(args: argparse.Namespace) -> None:
    """Imports the one file that `args` names: shows what it is, asks, and records it as another person's words."""
    from carryover.actions.receiving import name_of, received, take_share, title_of_share

    if len(args.files) > 1 or args.agent is not None or args.again:
        raise UserError(
            "A file that someone shared is imported alone, without --agent and --again. Nothing was imported.",
            ExitCode.USAGE,
        )
    shared = received(args.files[0], args.project, identity=args.identity, expired=args.expired, store=not args.dry_run)
    session, is_new = shared.session, shared.is_new
    sender, title = name_of(shared.bundle), title_of_share(shared.bundle)
    lines = [f"· Imported already, as {session}; `carryover show {session}` prints it."]
    if is_new:
        warn(f"From     {sender} on {shared.bundle.host}: so it says, and nothing proves it", *_contents(shared))
        lines = ["Nothing was stored."]
    if is_new and not args.dry_run:
        agree(args, f"Take this into {shared.root}, as another person's words?", nothing="imported")
        session, is_new = take_share(shared)
        where = f"the handoff names it for a week, and `carryover show {session}` prints it."
        lines = [f"✓ {title}", f"  Recorded as {session}: {where}"]
    new = is_new and not args.dry_run
    print_result(args, {"session": session, "project": shared.root, "title": title, "from": sender, "new": new}, lines)
