"""`carryover share` and `import` of what it wrote: a handoff with its sources, which only the people named can open."""

from __future__ import annotations

import argparse
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.actions.context import now_ms, project_root, state_dir
from carryover.actions.output_file import target, write
from carryover.cli.arguments import describe, flag, seconds
from carryover.cli.output_file import may_write
from carryover.errors import ExitCode, UserError, visible
from carryover.terminal.output import agree, counted, local_time, one_line, print_lines, put, size, warn

if TYPE_CHECKING:
    from carryover.actions.sharing import Shared
    from carryover.sync.bundle import Bundle, Recipient

DESCRIPTION: Final = """\
Writes one encrypted file for a colleague: the handoff, and the turns that its
lines come from; with --depth also the newest session, or all of them. It can be
opened with the keys named by --to alone, and is sent by you, any way you like.
`carryover import FILE` takes it in there.

Secrets are taken out once more, and the path of your home folder becomes ~.
What is in the file is listed first, and you are asked. After --expires,
Carryover no longer imports it; who has the file and the key can still decrypt
it with other programs."""

EXAMPLES: Final = """\
  carryover share --to 'ssh-ed25519 AAAA...' --dry-run   all that it would hold
  carryover share --to bob.keys --expires 7d             from github.com/bob.keys
  carryover share --to age1... --to bob.keys --depth session -o shop.age"""

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
    add(
        "--depth",
        choices=("handoff", "session", "all"),
        default="handoff",
        help="handoff: with the turns that its lines come from (default); session: the newest session too; all: every "
        "session of the project",
    )
    add("--expires", metavar="TIME", type=seconds, help="how long it can be imported: 12h, 7d, 2w")
    add("--from", dest="sender", metavar="NAME", help="your name, as it is shown there")
    add("-o", "--output", metavar="FILE", help="the file to write (default: PROJECT.age in this folder)")
    flag(parser, "--yes", "ask nothing")
    flag(parser, "--dry-run", "print all that it would hold; write nothing")
    flag(parser, "--json", "print what was done as JSON; times are UTC milliseconds")


def run(args: argparse.Namespace) -> None:
    from carryover.actions.sharing import compose
    from carryover.sync.bundle import recipients

    to, left_out = recipients(args.to)
    state, root = state_dir(), project_root(args.project, must_exist=True)
    expires_ms = now_ms() + args.expires * 1000 if args.expires is not None else None
    shared = compose(state, root, args.sender or _own_name(), args.depth, expires_ms)
    bundle = shared.bundle
    if args.dry_run:
        for text in (bundle.handoff, *(document.text for document in bundle.documents)):
            print_lines(text.split("\n"), fits=True)
    path = target(args.output or f"{Path(root).name or 'project'}.age")
    where = visible(str(path))
    if not args.json or not args.yes:
        warn(*_preview(shared, to, left_out))
    if args.dry_run:
        warn("Nothing was written.")
        return
    may_write(path, args)
    agree(args, f"Encrypt this into {where}?", nothing="written")
    length = _write(path, bundle, to)
    lines = (
        f"✓ {where}: {size(length)}, encrypted to {counted(len(to), 'key')}.",
        "  Send it any way you like. There, `carryover import FILE` in the project takes it in.",
    )
    data = {
        "output": str(path),
        "bytes": length,
        "recipients": [recipient.name for recipient in to],
        "depth": bundle.depth,
        "expires_ms": bundle.expires_ms,
        "sessions": [document.title for document in bundle.documents],
        "left_out_sessions": shared.left_out,
        "redacted": shared.secrets,
        "left_out_keys": left_out,
    }
    put(args, data, lines)


def _own_name() -> str:
    """Returns the user's full name as the system knows it, else the login name."""
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return "someone"
    return entry.pw_gecos.partition(",")[0].strip() or entry.pw_name


def _write(path: Path, bundle: Bundle, to: list[Recipient]) -> int:
    from carryover.sync.bundle import LARGEST_FILE, packed
    from carryover.sync.sealing import seal_for

    try:
        data = seal_for((recipient.key for recipient in to), packed(bundle))
    except ValueError as error:
        raise UserError(
            f"{counted(len(to), 'key')} of this size are too many. Nothing was written. Make several files.",
            ExitCode.REFUSED,
        ) from error
    if len(data) > LARGEST_FILE:
        raise UserError(
            f"It would be larger than {LARGEST_FILE >> 20} MiB. Nothing was written. Share less with --depth.",
            ExitCode.REFUSED,
        )
    write(path, data)
    return len(data)


def _preview(shared: Shared, to: list[Recipient], left_out: list[str]) -> Iterator[str]:
    """Yields what the file holds, so that the user can judge it before it leaves."""
    bundle = shared.bundle
    for recipient in to:
        comment = f"  ({one_line(recipient.comment, 60)})" if recipient.comment else ""
        yield f"To       {recipient.name}{comment}"
    if left_out:
        kinds = ", ".join(dict.fromkeys(one_line(kind, 60) for kind in left_out))
        yield f"Not to   {counted(len(left_out), 'key')} that age can't encrypt to: {kinds}"
    yield f"From     {bundle.sender} on {bundle.host}, which they see and can't check"
    yield from _contents(bundle)
    if shared.left_out:
        yield f"         Too much to fit: {counted(shared.left_out, 'older session')} left out."
    secrets = ", ".join(f"{kind} {count:,}" for kind, count in sorted(shared.secrets.items()))
    yield (
        f"Hidden   {f'secrets: {secrets}' if secrets else 'no secrets, as none were recognised'}; your home folder "
        f"as ~ in {counted(shared.home_paths, 'place')}"
    )
    yield "         Patterns don't know every secret: --dry-run prints all of it."


def _contents(bundle: Bundle) -> Iterator[str]:
    """Yields what a bundle holds, and until when it can be imported."""
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
    from carryover.actions.context import refuse_excluded
    from carryover.actions.importing import is_recorded, record_note
    from carryover.actions.sharing import SOURCE, decrypted, name_of, texts_of, title_of
    from carryover.config import load_config
    from carryover.importing.document import note_id

    if len(args.files) > 1 or args.agent is not None or args.again:
        raise UserError(
            "A file that someone shared is imported alone, without --agent and --again. Nothing was imported.",
            ExitCode.USAGE,
        )
    state, root = state_dir(), project_root(args.project, must_exist=True)
    refuse_excluded(root, load_config(state.config))
    path = target(args.files[0])
    bundle = decrypted(path, state, args.identity)
    if bundle.expires_ms is not None and now_ms() >= bundle.expires_ms and not args.expired:
        raise UserError(
            f"{path} expired on {local_time(bundle.expires_ms)}: {name_of(bundle)} thought that it would be out of "
            "date by then. Nothing was imported. Ask for a new one, or read it with --expired.",
            ExitCode.REFUSED,
        )
    title, texts = title_of(bundle), texts_of(bundle)
    session = note_id(root, SOURCE, "".join(texts))
    is_new = not is_recorded(state, session)
    lines = [f"· Imported already, as {session}; `carryover show {session}` prints it."]
    if is_new:
        sender = f"From     {name_of(bundle)} on {bundle.host}: so it says, and nothing proves it"
        warn(sender, *_contents(bundle))
        lines = ["Nothing was stored."]
    if is_new and not args.dry_run:
        agree(args, f"Take this into {root}, as another person's words?", nothing="imported")
        session, is_new = record_note(state, root, SOURCE, title, texts)
        where = f"the handoff names it for a week, and `carryover show {session}` prints it."
        lines = [f"✓ {title}", f"  Recorded as {session}: {where}"]
    new = is_new and not args.dry_run
    put(args, {"session": session, "project": root, "title": title, "from": name_of(bundle), "new": new}, lines)
