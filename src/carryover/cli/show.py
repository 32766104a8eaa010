"""`carryover show`: the conversation of one session."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from carryover.agents import agent_names
from carryover.cli.arguments import exit_code_help
from carryover.cli.output import BOLD, harmless, paint, short_path
from carryover.cli.where import state_dir
from carryover.config import settings_now
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import SessionRow, connect_read_only, session_by_prefix, session_events

DESCRIPTION: Final = """\
Prints one session as text: prompts and answers whole, one line for each tool
call, edit and interruption. What you took back is marked as undone. Secrets
were taken out when it was recorded."""

EXAMPLES: Final = """\
examples:
  carryover show 3f2a              the session whose id begins with 3f2a
  carryover show 3f2a --full       also what tools printed, and sub-agents
  carryover show 3f2a --json       every recorded event, as data

`carryover sessions` lists the ids; the last line of a handoff names one.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.epilog = (
        EXAMPLES
        + "\n"
        + exit_code_help(
            ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.NOTHING_FOUND, ExitCode.REFUSED, ExitCode.INTERRUPTED
        )
    )
    parser.add_argument("id", metavar="ID", help="session id, or as much of its beginning as is unique")
    parser.add_argument("--full", action="store_true", help="add tool output, plans, summaries and sub-agents")
    parser.add_argument("--json", action="store_true", help="print every recorded event as JSON")


def run(args: argparse.Namespace) -> int:
    with _ledger_with(args.id) as ledger:
        session = session_by_prefix(ledger, args.id)
        if args.json:
            _print_json(ledger, session)
        else:
            _print_text(ledger, session, full=args.full)
    return ExitCode.OK


@contextmanager
def _ledger_with(prefix: str) -> Iterator[sqlite3.Connection]:
    """The ledger, or where there is none a temporary one of the sessions on disk whose ids begin with `prefix`."""
    state = state_dir()
    if state.ledger.exists():
        ledger = connect_read_only(state.ledger)
        try:
            yield ledger
        finally:
            ledger.close()
        return
    from carryover.agents import adapters
    from carryover.cli.from_disk import of_session, sources_on_disk, temporary_ledger

    sources = of_session(sources_on_disk(settings_now(state)), prefix)
    if not sources:
        raise UserError(
            f"Nothing is recorded yet, and no session on disk begins with {prefix!r}. "
            "`carryover sessions --all` lists them.",
            ExitCode.NOTHING_FOUND,
        )
    with temporary_ledger(sources, adapters()) as ledger:
        yield ledger


def _print_json(ledger: sqlite3.Connection, session: SessionRow) -> None:
    """Event by event: a session may hold more than should be in memory at once."""
    import msgspec

    head = msgspec.json.encode(session).decode()
    sys.stdout.write(f'{{"session": {head}, "events": [')
    for number, event in enumerate(session_events(ledger, session)):
        sys.stdout.write((",\n" if number else "\n") + msgspec.json.encode(event).decode())
    sys.stdout.write("\n]}\n")


def _print_text(ledger: sqlite3.Connection, session: SessionRow, *, full: bool) -> None:
    from carryover.cli.conversation import conversation

    agent = agent_names().get(session.agent, session.agent)
    facts = [
        f"{agent} {session.agent_version or ''}".strip(),
        short_path(session.root, Path.home()) if session.root else "",
        session.branch or "",
        session.title or "",
    ]
    print(paint(f"Session {session.native_id}", BOLD))
    print(harmless(", ".join(fact for fact in facts if fact)))
    events = session_events(ledger, session)
    for line in conversation(events, agent=agent, root=session.root, full=full):
        print(line)
