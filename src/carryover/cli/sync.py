"""`carryover sync`: takes what was recorded to the user's other machines, encrypted, over a git remote of theirs."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from carryover.actions.context import now_ms, project_root, state_dir
from carryover.cli.arguments import describe
from carryover.cli.status_details import sync_rows
from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir
from carryover.terminal.output import can_ask, confirmed, counted, print_json, print_lines, size
from carryover.text.shell import quoted

DESCRIPTION: Final = """\
Takes what was recorded here to your other machines, and what was recorded there
to this one, over a git remote of yours that is not the remote of a project. It
is encrypted before it leaves this machine: whoever keeps the remote sees neither
words nor names. Off until `init`. Another machine's work is in no handoff until
you `allow` it for a project, and nothing from there is ever run or opened here.

    init REMOTE          make a store at the remote, or ask to join the one there
    (none)               synchronise once; `carryover config sync.every 5m` has
                         carryoverd do it
    status               each machine's last state and what waits
    allow [PROJECT]      let another machine's work into this project's handoff
    add-machine [CODE]   let a machine in that asks, after comparing its code
    remove-machine NAME  what is sent from now on, that machine can't read
    compact              drop this machine's history from the store
    off                  end it here; what was recorded stays"""

EXAMPLES: Final = """\
examples:
  carryover sync init git@example.org:me/carryover-store.git
  carryover sync init /mnt/share/store.git --name desktop
  carryover sync                             once, now
  carryover sync add-machine                 on a machine of the store
  carryover sync allow                       this project, as it is elsewhere
  carryover sync off --delete                and remove this machine's branch
"""

ACTIONS: Final = ("init", "status", "allow", "add-machine", "remove-machine", "compact", "off")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("action", metavar="ACTION", nargs="?", choices=ACTIONS, help="one of those above")
    parser.add_argument("what", metavar="WHAT", nargs="?", help="the remote, project or machine that the action is for")
    parser.add_argument(
        "--name", metavar="NAME", help="with init: what this machine is called (default: its host name)"
    )
    parser.add_argument(
        "--projects", metavar="DIR", nargs="+", help="with init: send only what was recorded in these projects"
    )
    parser.add_argument(
        "--ssh-key", metavar="FILE", help="with init: your ssh key without a passphrase, as this machine's key"
    )
    parser.add_argument(
        "--from",
        dest="foreign",
        metavar="THEIRS",
        help="with allow: the other machine's project, as `carryover sessions --all` names it",
    )
    parser.add_argument("--delete", action="store_true", help="with off: remove this machine's branch from the store")
    parser.add_argument("--forget", action="store_true", help="with off: forget what came from other machines")
    parser.add_argument("--yes", action="store_true", help="ask nothing: the codes were compared elsewhere")
    parser.add_argument("--json", action="store_true", help="ask nothing, and print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    state = state_dir()
    does: dict[str | None, Callable[[StateDir, argparse.Namespace], int]] = {
        None: _once,
        "init": _init,
        "status": _status,
        "allow": _allow,
        "add-machine": _add_machine,
        "remove-machine": _remove_machine,
        "compact": _compact,
        "off": _off,
    }
    if args.what is None and args.action in ("init", "remove-machine"):
        what = "REMOTE" if args.action == "init" else "NAME"
        raise UserError(f"`carryover sync {args.action}` needs a {what}. Nothing was changed.", ExitCode.USAGE)
    return does[args.action](state, args)


def _init(state: StateDir, args: argparse.Namespace) -> int:
    from carryover.actions.syncing import remotes_of_projects
    from carryover.sync.folder import Settings
    from carryover.sync.membership import initialise, machine_name

    settings = Settings(
        remote=args.what,
        machine="0" * 16,
        name=machine_name(args.name or socket.gethostname()),
        projects=tuple(project_root(one, must_exist=True) for one in args.projects) if args.projects else None,
        ssh_key=str(Path(args.ssh_key).expanduser().absolute()) if args.ssh_key else None,
    )
    done = initialise(state, settings, remotes_of_projects(state), now_ms=now_ms)
    if args.json:
        print_json(done)
        return ExitCode.OK
    if done.founded:
        print_lines(
            [
                f"✓ There is a store at {done.remote} now. This machine is {done.name} in it.",
                f"  The store's code, which each machine shows when it joins: {done.code}",
                "Nothing was sent yet: `carryover sync` does that once, `carryover config sync.every 5m` regularly.",
                f"On your other machine: `carryover sync init {quoted(done.remote)}`.",
            ]
        )
    else:
        print_lines(
            [
                f"✓ This machine asks to join the store at {done.remote}, as {done.name}.",
                f"  Its code: {done.code}",
                "Run `carryover sync add-machine` on a machine of the store and compare the code. Then run "
                "`carryover sync` here. Nothing was sent yet.",
            ]
        )
    return ExitCode.OK


def _once(state: StateDir, args: argparse.Namespace) -> int:
    from carryover.actions.syncing import sync_once

    if not _joined(state, args):
        return ExitCode.REFUSED
    done = sync_once(state)
    if args.json:
        print_json(done)
        return ExitCode.OK
    received = counted(done.received.events, "new event")
    if done.received.forgotten:
        received += f", {counted(done.received.forgotten, 'event')} forgotten there"
    theirs = f"from {counted(done.machines, 'other machine')}: {received}" if done.machines else "no other machine yet"
    print_lines(
        [
            f"✓ Sent {counted(done.sent_events, 'new event')} ({size(done.sent_bytes)}); {theirs}.",
            *_problem_lines(done.problems),
            *_waiting_lines(done.waiting),
        ]
    )
    return ExitCode.OK


def _joined(state: StateDir, args: argparse.Namespace) -> bool:
    """Whether this machine belongs to the store, perhaps because the user now confirms the store's code."""
    from carryover.sync.branch import NOT_ADDED
    from carryover.sync.folder import SyncFolder
    from carryover.sync.membership import accept, admission, own_branch, own_code

    SyncFolder(state).settings()
    if SyncFolder(state).state().store is not None:
        return True
    with own_branch(state, now_ms) as own:
        offer = admission(own)
        if offer is None:
            raise UserError(f"{NOT_ADDED} This machine's code: {own_code(own)}", ExitCode.REFUSED)
        if not args.yes:
            if args.json or not can_ask():
                raise UserError(
                    f"{offer.manifest.name} has added this machine. The store's code: {offer.code}. There is no "
                    "terminal to ask on, so nothing was sent. If that machine shows the same code, run it with --yes.",
                    ExitCode.REFUSED,
                )
            print(f"{offer.manifest.name} has added this machine. The store's code: {offer.code}")
            if not confirmed(f"Did `carryover sync add-machine` show the same code on {offer.manifest.name}? [y/N]"):
                print("Nothing was sent or taken. If the codes differ, somebody else answers: `carryover sync off`.")
                return False
        accept(own, offer)
    return True


def _status(state: StateDir, args: argparse.Namespace) -> int:
    from carryover.sync.status import sync_status

    found = sync_status(state)
    if found is None:
        from carryover.sync.folder import OFF

        raise UserError(OFF, ExitCode.NOTHING_FOUND)
    if args.json:
        print_json(found)
        return ExitCode.OK
    rows = sync_rows(found, now_ms())
    width = max(len(name) for name, _ in rows)
    print_lines(f"{name:<{width}}  {text}" for name, text in rows)
    return ExitCode.OK


def _allow(state: StateDir, args: argparse.Namespace) -> int:
    from carryover.actions.syncing import allow

    said = allow(state, args.what, args.foreign)
    if args.json:
        print_json({"allowed": said})
    else:
        print_lines([f"✓ {said}"])
    return ExitCode.OK


def _add_machine(state: StateDir, args: argparse.Namespace) -> int:
    from carryover.sync.membership import add, own_branch, waiting

    added = []
    with own_branch(state, now_ms) as own:
        _, codes = waiting(own)
        if args.what is not None:
            codes = {machine: code for machine, code in codes.items() if _same_code(args.what, code)}
        for machine, code in codes.items():
            if args.what is not None or args.yes or _agreed_to_add(code, as_json=args.json):
                added.append({"machine": machine, "code": code, "store_code": add(own, machine)})
    if not codes:
        raise UserError(
            "No such machine asks to be added. Nothing was changed. Run `carryover sync init REMOTE` there first.",
            ExitCode.NOTHING_FOUND,
        )
    if args.json:
        print_json({"added": added})
        return ExitCode.OK
    if not added:
        print("No machine was added. Nothing was changed.")
        return ExitCode.INTERRUPTED
    print_lines(
        [
            f"✓ {counted(len(added), 'machine')} added. Now run `carryover sync` there.",
            f"  It will show the store's code, for you to compare: {added[0]['store_code']}",
        ]
    )
    return ExitCode.OK


def _same_code(given: str, code: str) -> bool:
    return "".join(given.split()) == code.replace(" ", "")


def _agreed_to_add(code: str, *, as_json: bool) -> bool:
    if as_json or not can_ask():
        raise UserError(
            f"A machine with the code {code} asks to be added. There is no terminal to ask on, so nothing was changed. "
            f"If that machine shows the same code: `carryover sync add-machine {quoted(code)}`.",
            ExitCode.REFUSED,
        )
    print("A machine asks to be added. It will be able to read everything in the store.")
    print(f"  Its code: {code}")
    return confirmed("Does that machine show the same code? Add it? [y/N]")


def _remove_machine(state: StateDir, args: argparse.Namespace) -> int:
    from carryover.sync.membership import own_branch, remove

    question = f"Remove {args.what} from the store? What is sent from now on, it can't read. [y/N]"
    if not _agreed(args, question):
        return ExitCode.INTERRUPTED
    with own_branch(state, now_ms) as own:
        name = remove(own, args.what)
    if args.json:
        print_json({"removed": name})
        return ExitCode.OK
    print_lines(
        [
            f"✓ {name} is removed. What is sent from now on is encrypted with a key that it does not have; your other "
            "machines use that key from their next sync on.",
            "What it has taken or could take until now, it can still read. Take its access to the remote away as well.",
        ]
    )
    return ExitCode.OK


def _compact(state: StateDir, args: argparse.Namespace) -> int:
    from carryover.sync.membership import compact, own_branch

    with own_branch(state, now_ms) as own:
        compact(own)
        remote = own.settings.remote
    if args.json:
        print_json({"compacted": True})
        return ExitCode.OK
    is_here = remote.startswith("/")
    how = (
        f"`git -C {quoted(remote)} gc --prune=now`"
        if is_here
        else "its server's next clean-up, which is up to the server"
    )
    print_lines(
        [
            "✓ This machine's branch has no history any more. Other machines' branches are theirs to compact.",
            f"What it no longer lists leaves the remote with {how}. Copies that others have made stay.",
        ]
    )
    return ExitCode.OK


def _off(state: StateDir, args: argparse.Namespace) -> int:
    from carryover.actions.syncing import end
    from carryover.sync.membership import leave

    also = " and remove its branch from the store" if args.delete else ""
    if not _agreed(args, f"End synchronising on this machine{also}? What was recorded stays. [y/N]"):
        return ExitCode.INTERRUPTED
    leave(state, delete=args.delete)
    if state.ledger.exists():
        end(state, forget=args.forget)
    if args.json:
        print_json({"off": True, "deleted": args.delete, "forgotten": args.forget})
        return ExitCode.OK
    rest = "" if args.delete else " Its branch in the store stays; another machine can remove this one."
    theirs = "was forgotten" if args.forget else "stays"
    print_lines([f"✓ This machine no longer synchronises.{rest} What came from other machines {theirs}."])
    return ExitCode.OK


def _agreed(args: argparse.Namespace, question: str) -> bool:
    from carryover.cli.forget import agreed

    if args.yes or agreed(question, as_json=args.json):
        return True
    print("Nothing was changed.")
    return False


def _problem_lines(problems: dict[str, str]) -> Iterator[str]:
    return (f"✗ {name}: {problem}." for name, problem in problems.items())


def _waiting_lines(waiting: tuple[str, ...]) -> Iterator[str]:
    for code in waiting:
        yield f"A machine with the code {code} asks to be added: `carryover sync add-machine`."
