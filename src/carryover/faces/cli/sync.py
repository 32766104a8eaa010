"""`carryover sync`: takes what was recorded to the user's other machines, encrypted, over a git remote of theirs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import describe, flag
from carryover.terminal.output import YELLOW, ago, agree, counted, paint, print_result, size
from carryover.terminal.paths import shell_word

if TYPE_CHECKING:
    from carryover.actions.syncing import SyncStatus

DESCRIPTION: Final = """\
Takes what was recorded here to your other machines, and what was recorded there
to this one, over a git remote of yours that is not the remote of a project, or
a folder. It is encrypted before it leaves this machine: the store's operator
sees neither words nor names. Off until `init`. Another machine's work is in no
handoff until `carryover link` joins its project with yours, and nothing from
there is ever run or opened here.

    init REMOTE          give this machine a part in the store there
    (none)               synchronise once; `carryover config sync.every 5m` has
                         carryoverd do it
    status               this machine's code, and each other one's last state
    add-machine CODE     read what the machine that shows this code writes, and
                         let it read what this one does; do it on both
    remove-machine NAME  what is sent from now on, that machine can't read
    off                  end it here; what was recorded stays"""

EXAMPLES: Final = """\
  carryover sync init git@example.org:me/carryover-store.git
  carryover sync init /mnt/share/store --name desktop    an empty folder
  carryover sync                             once, now
  carryover sync add-machine 0433 9394 0435 8732 8327    on both machines
  carryover sync off --delete                and remove what it has sent"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    add("action", metavar="ACTION", nargs="?", choices=tuple(_DOES), help="one of those above")
    add("what", metavar="WHAT", nargs="*", help="the remote or machine that the action is for")
    add("--name", metavar="NAME", help="with init: what this machine is called (default: its host name)")
    flag(parser, "--delete", "with off: remove what this machine has written to the store")
    flag(parser, "--yes", "ask nothing")
    flag(parser, "--json", "print what was done as JSON; asks nothing, so --yes is needed where it would ask")


_ADD: Final = "`carryover sync add-machine CODE` lets one in whose code you read there."
_NEEDS: Final = {
    "init": "a REMOTE: a git remote of yours that is not the remote of a project, or an empty folder",
    "add-machine": "a CODE, which `carryover sync status` shows on the other machine",
    "remove-machine": "a NAME, one of those that `carryover sync status` lists",
}
_Done = tuple[object, Iterable[str]]
"""What was done: as data, and in lines for people."""


def run(args: argparse.Namespace) -> None:
    if len(args.what) > 1 and args.action != "add-machine":  # a code is shown in groups of digits
        raise UserError(f"`carryover sync {args.action}` takes one word. Nothing was changed.", ExitCode.USAGE)
    needs = _NEEDS.get(args.action)
    args.what = " ".join(args.what) if args.what else None
    if args.what is None and needs is not None:
        raise UserError(f"`carryover sync {args.action}` needs {needs}. Nothing was changed.", ExitCode.USAGE)
    if (args.name and args.action != "init") or (args.delete and args.action != "off"):
        raise UserError("--name is for init, --delete is for off.", ExitCode.USAGE)
    does = _DOES[args.action] if args.action is not None else _once
    print_result(args, *does(args))


def _status(_args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import standing

    status = standing()
    rows = sync_rows(status, utc_now_ms())
    width = max(len(name) for name, _ in rows)
    return status, (f"{name:<{width}}  {text}" for name, text in rows)


def _init(args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import initialise_sync

    done = initialise_sync(args.what, name=args.name)
    return done, (
        f"✓ This machine has a part in the store at {done.remote} now, as {done.name}. Nothing was sent yet.",
        f"  Its code: {done.code}",
        f"On your other machine: `carryover sync init {shell_word(done.remote)}`. Then run `carryover sync add-machine "
        "CODE` on both, each with the code that the other one shows.",
        "`carryover sync` sends once, `carryover config sync.every 5m` regularly.",
    )


def _once(_args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import sync_once

    done = sync_once()
    received = counted(done.received_events, "new event")
    theirs = f"from {counted(done.machines, 'other machine')}: {received}" if done.machines else "no other machine yet"
    return done, (
        f"✓ Sent {counted(done.sent_events, 'new event')} ({size(done.sent_bytes)}); {theirs}.",
        *(f"✗ {name}: {problem}." for name, problem in done.problems.items()),
        *([f"Asking to be added: {counted(done.waiting, 'machine')}. {_ADD}"] if done.waiting else []),
    )


def _add_machine(args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import add_machine

    done = add_machine(args.what)
    return done, (
        "✓ The machine is added: it can read what this one sends from the next `carryover sync` on.",
        f"  If you have not yet, run there: `carryover sync add-machine {shell_word(done.code)}`.",
    )


def _remove_machine(args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import remove_machine, standing

    if any(args.what in (one.id, one.name) for one in standing().machines):
        agree(args, f"Remove {args.what} from the store? What is sent from now on, it can't read.")
    return remove_machine(args.what), (
        f"✓ {args.what} is removed. What this machine sends from now on, it can't read; your other machines leave it "
        "out from their next sync on.",
        "What it has taken or could take until now, it can still read. Take its access to the remote away as well.",
    )


def _off(args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import end_syncing, standing

    standing()
    also = " and remove what it has written to the store" if args.delete else ""
    agree(args, f"End synchronising on this machine{also}? What was recorded stays.")
    end_syncing(delete=args.delete)
    rest = "" if args.delete else " What it has sent stays in the store; another machine can remove this one."
    return {"off": True, "deleted": args.delete}, [
        f"✓ This machine no longer synchronises.{rest} What came from other machines stays."
    ]


_DOES: Final[Mapping[str, Callable[[argparse.Namespace], _Done]]] = {
    "init": _init,
    "status": _status,
    "add-machine": _add_machine,
    "remove-machine": _remove_machine,
    "off": _off,
}
"""What each action does; without one, it synchronises once."""


def sync_rows(sync: SyncStatus, now_ms: int) -> list[tuple[str, str]]:
    """Returns where synchronising stands: this machine, each other machine, and the machines that ask to be added."""
    rows = [("store", f"{sync.remote}; this machine is {sync.name}")] if sync.remote else []
    rows.append(("last sync", ago(sync.synced_ms, now_ms) if sync.synced_ms else "never"))
    if sync.problem:
        rows.append(("problem", paint(sync.problem, YELLOW)))
    if sync.code:
        rows.append(("code", sync.code))
    for machine in sync.machines:
        last = f"last state {ago(machine.synced_ms, now_ms)}" if machine.synced_ms else "not synchronised yet"
        problem = f"; {paint(machine.problem, YELLOW)}" if machine.problem and not machine.removed else ""
        rows.append((machine.name, f"{last}{', removed' if machine.removed else ''}{problem}"))
    return [*rows, ("waiting", f"{counted(sync.waiting, 'machine')}. {_ADD}")] if sync.waiting else rows


def sync_summary(sync: SyncStatus, now_ms: int) -> str:
    """Returns the same in one line."""
    parts = [f"{one.name} {ago(one.synced_ms, now_ms)}" for one in sync.machines if one.synced_ms and not one.removed]
    if sync.problem or sync.waiting or any(one.problem and not one.removed for one in sync.machines):
        parts.append(paint("something is in the way or waits: `carryover sync status`", YELLOW))
    return ", ".join(parts) or "set up; no other machine has said anything yet"
