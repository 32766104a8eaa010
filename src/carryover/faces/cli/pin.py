"""`carryover pin`, `done` and `unpin` keep the user's own word in every handoff."""

from __future__ import annotations

import argparse
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from carryover.errors import ExitCode
from carryover.faces.cli.arguments import describe, flag
from carryover.terminal.output import print_result, warn
from carryover.text.harmless import one_line

if TYPE_CHECKING:
    from carryover.actions.pinning import Kept
    from carryover.model import Pin

_PIN: Final = """\
Keeps a text in sight of every agent: the handoff quotes it first under Task,
as your word, until `carryover unpin` takes it back. Without a text, lists what
is pinned here. At most five; what you say here is the only judgement that a
handoff ever holds. Secrets are taken out."""

PIN_EXAMPLES: Final = """\
  carryover pin "never floats for money"
  carryover pin                          what is pinned here, with numbers
  carryover unpin 1"""

DONE: Final = """\
Tells every agent that something is done, in your own words: the handoff says so
under Task, as your word, until `carryover unpin` takes it back. Without a text,
lists what is kept here, as `carryover pin` does."""

DONE_EXAMPLES: Final = """\
  carryover done "the parser"
  carryover done                         what is kept here, with numbers"""

UNPIN: Final = """\
Takes back what `carryover pin` or `carryover done` keeps in the handoff: by its
number in the list that `carryover pin` prints, or by its words. Without one,
prints that list."""

_NOTHING: Final = """\
Nothing is pinned here. `carryover pin "WORDS"` keeps words in sight, `carryover done "WORDS"` says what is done."""

UNPIN_EXAMPLES: Final = """\
  carryover unpin 1
  carryover unpin "never floats\""""


def pin_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, _PIN, PIN_EXAMPLES, ExitCode.REFUSED)
    parser.add_argument("text", metavar="TEXT", nargs="*", help="what to keep in sight (default: list what is)")
    _usual(parser)


def done_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DONE, DONE_EXAMPLES, ExitCode.REFUSED)
    parser.add_argument("text", metavar="TEXT", nargs="*", help="what is done (default: list what is kept)")
    _usual(parser)


def unpin_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, UNPIN, UNPIN_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("text", metavar="N|TEXT", nargs="*", help="its number, or its words (default: list what is)")
    _usual(parser)


def _usual(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", metavar="DIR", help="a folder of the project (default: this one)")
    flag(parser, "--json", "print what is pinned now as JSON")


def run_unpin(args: argparse.Namespace) -> None:
    from carryover.actions.pinning import pinned, pinning_root, take_pin_back

    root = pinning_root(args.project, changes=bool(args.text))
    text = " ".join(args.text)
    done = [f"✓ No longer in the handoff: {take_pin_back(root, text).text}"] if text else []
    there = pinned(root)
    if text:  # what follows has other numbers now
        done += (f"  {line}" for line in _listed(there))
    _put(args, root, there, done)
    if there and not text and not args.json:
        warn("Nothing was taken back. Name one by its number: `carryover unpin 1`.")


def run(args: argparse.Namespace) -> None:
    """Pins a text, or says that it is done."""
    from carryover.actions.pinning import keep, pinned, pinning_root

    is_done = args.command == "done"
    root = pinning_root(args.project, changes=bool(args.text))
    kept = keep(root, " ".join(args.text), is_done=is_done) if args.text else None
    if kept is None:
        lines = []
    elif not kept.is_new:
        lines = [f"· In each handoff already: {kept.text}"]
    else:
        lines = [f"✓ {'Done' if is_done else 'Pinned'}: {kept.text}", f"  {_where(root, kept)}"]
    _put(args, root, pinned(root), lines)


def _where(root: str, kept: Kept) -> str:
    name = one_line(PurePath(root).name, 60)
    if kept.awaits_work:
        # Before an install there may be much that is not recorded.
        install = "; `carryover install` has it read" if kept.is_before_install else ""
        return (
            f"No agent's work in {name} is recorded yet: once it is, each handoff says so, as your word. Until then no "
            f"file is written there{install}."
        )
    return f"Each handoff of {name} says so now, as your word."


def _put(args: argparse.Namespace, root: str, there: list[Pin], done: list[str]) -> None:
    """Prints what was done or, if only that was asked, what is pinned."""
    pins = [
        {"number": number, "text": pin.text, "done": pin.is_done, "session": pin.session, "at_ms": pin.at_ms}
        for number, pin in enumerate(there, 1)
    ]
    fields = {"project": root, "pins": pins}
    print_result(
        args,
        fields,
        done or _listed(there) or [_NOTHING],
    )


def _listed(there: list[Pin]) -> list[str]:
    return [f"{number}  {'done: ' if pin.is_done else ''}{pin.text}" for number, pin in enumerate(there, 1)]
