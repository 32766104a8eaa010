"""`carryover sync`: takes what was recorded to the user's other machines, encrypted, over a git remote of theirs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import describe, flag
from carryover.past.context import now_ms
from carryover.terminal.output import YELLOW, ago, agree, agreed, counted, paint, print_result, size
from carryover.terminal.paths import quoted

if TYPE_CHECKING:
    from carryover.actions.syncing import SyncStatus

DESCRIPTION: Final = """\
Takes what was recorded here to your other machines, and what was recorded there
to this one, over a git remote of yours that is not the remote of a project, or
a folder. It is encrypted before it leaves this machine: whoever keeps the store
sees neither words nor names. Off until `init`. Another machine's work is in no
handoff until `carryover link` joins its project with yours, and nothing from
there is ever run or opened here.

    init REMOTE          give this machine a part in the store there
    (none)               synchronise once; `carryover config sync.every 5m` has
                         carryoverd do it
    status               this machine's code, and each other one's last state
    add-machine [CODE]   after comparing another one's code, read what it writes
                         and let it read what this one does; do it on both
    remove-machine NAME  what is sent from now on, that machine can't read
    off                  end it here; what was recorded stays"""

EXAMPLES: Final = """\
  carryover sync init git@example.org:me/carryover-store.git
  carryover sync init /mnt/share/store --name desktop    an empty folder
  carryover sync                             once, now
  carryover sync add-machine                 on both machines
  carryover sync off --delete                and remove what it has sent"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    add("action", metavar="ACTION", nargs="?", choices=tuple(_DOES), help="one of those above")
    add("what", metavar="WHAT", nargs="?", help="the remote or machine that the action is for")
    add("--name", metavar="NAME", help="with init: what this machine is called (default: its host name)")
    add("--projects", metavar="DIR", nargs="+", help="with init: send only what was recorded in these projects")
    flag(parser, "--delete", "with off: remove what this machine has written to the store")
    flag(parser, "--yes", "ask nothing: the codes were compared elsewhere")
    flag(parser, "--json", "print what was done as JSON; asks nothing, so --yes is needed where it would ask")


_Done = tuple[object, Iterable[str]]
"""What was done: as data, and in lines for people."""


def run(args: argparse.Namespace) -> None:
    if args.what is None and args.action in ("init", "remove-machine"):
        what = "REMOTE" if args.action == "init" else "NAME"
        raise UserError(f"`carryover sync {args.action}` needs a {what}. Nothing was changed.", ExitCode.USAGE)
    options = {"init": (args.name, args.projects), "off": (args.delete,)}
    if any(any(values) for action, values in options.items() if action != args.action):
        raise UserError("--name and --projects are for init, --delete is for off.", ExitCode.USAGE)
    does = _DOES[args.action] if args.action is not None else _once
    print_result(args, *does(args))


def _status(_args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import standing

    status = standing()
    rows = sync_rows(status, now_ms())
    width = max(len(name) for name, _ in rows)
    return status, (f"{name:<{width}}  {text}" for name, text in rows)


def _init(args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import initialise_sync, standing

    done = initialise_sync(args.what, name=args.name, projects=args.projects)
    remote = standing().remote
    return {"remote": remote, "machine": done.machine, "name": done.name, "code": done.code}, (
        f"✓ This machine has a part in the store at {remote} now, as {done.name}. Nothing was sent yet.",
        f"  Its code: {done.code}",
        f"On your other machine: `carryover sync init {quoted(remote)}`. Then run `carryover sync add-machine` on "
        "both, and compare the codes; each shows that of the other one.",
        "`carryover sync` sends once, `carryover config sync.every 5m` regularly.",
    )


def _once(_args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import sync_once

    done = sync_once()
    received = counted(done.received.events, "new event")
    if done.received.forgotten:
        received += ", and what was forgotten there is forgotten here"
    theirs = f"from {counted(done.machines, 'other machine')}: {received}" if done.machines else "no other machine yet"
    return done, (
        f"✓ Sent {counted(done.sent_events, 'new event')} ({size(done.sent_bytes)}); {theirs}.",
        *(f"✗ {name}: {problem}." for name, problem in done.problems.items()),
        *(f"A machine with the code {code} asks to be added: `carryover sync add-machine`." for code in done.waiting),
    )


def _add_machine(args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import add_machines, opened_log

    with opened_log() as own:
        added = add_machines(own, args.what, partial(_is_that_machine, args))
    return {"added": added, "own_code": own.settings.code}, (
        f"✓ {counted(len(added), 'machine')} added. Run `carryover sync add-machine` there too, if you have not.",
        f"  It shows this machine's code, for you to compare: {own.settings.code}",
    )


def _is_that_machine(args: argparse.Namespace, code: str) -> bool:
    """Whether the user says that the machine that asks to be added shows the same code."""
    question = (
        "A machine asks to be added. It will be able to read everything that this machine sends.\n"
        f"  Its code: {code}\nDoes that machine show the same code? Add it?"
    )
    otherwise = (
        f"A machine with the code {code} asks to be added. If that machine shows the same code: `carryover "
        f"sync add-machine {quoted(code)}`."
    )
    return agreed(args, question, otherwise=otherwise)


def _remove_machine(args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import opened_log, remove_machine

    def ask(name: str) -> None:
        agree(args, f"Remove {name} from the store? What is sent from now on, it can't read.")

    with opened_log() as own:
        removed, names = remove_machine(own, args.what, ask)
    left = ", ".join(names) or "no other machine"
    return {"removed": removed, "left": names}, (
        f"✓ {removed} is removed. What this machine sends from now on, it can't read; your other machines leave it "
        f"out from their next sync on. This one still has {left}.",
        "What it has taken or could take until now, it can still read. Take its access to the remote away as well.",
    )


def _off(args: argparse.Namespace) -> _Done:
    from carryover.actions.syncing import end_syncing

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
    return rows + [("asks", f"a machine with the code {code}: `carryover sync add-machine`") for code in sync.waiting]


def sync_summary(sync: SyncStatus, now_ms: int) -> str:
    """Returns the same in one line."""
    parts = [f"{one.name} {ago(one.synced_ms, now_ms)}" for one in sync.machines if one.synced_ms and not one.removed]
    if sync.problem or any(one.problem and not one.removed for one in sync.machines):
        parts.append(paint("something is in the way: `carryover sync status`", YELLOW))
    if sync.waiting:
        parts.append(paint(f"{counted(len(sync.waiting), 'machine')} waiting to be added", YELLOW))
    return ", ".join(parts) or "set up; no other machine has said anything yet"
