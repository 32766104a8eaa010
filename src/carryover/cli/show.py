"""`carryover show`: the conversation of one session."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from carryover.agents import agent_names
from carryover.cli.arguments import describe
from carryover.cli.output import BOLD, DIM, counted, harmless, mark, one_line, paint, print_lines
from carryover.cli.pager import add_pager_argument, paged
from carryover.cli.recorded import ledger_with_session
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import SessionRow, session_events
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    FileEdit,
    PlanProposal,
    PlanUpdate,
    Question,
    QueuedPrompt,
    SessionEnd,
    SessionStart,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from carryover.paths import short_path

if TYPE_CHECKING:
    from carryover.export.session_parts import SessionEvent

DESCRIPTION: Final = """\
Prints one session as text: prompts and answers whole, one line for each tool
call, edit and interruption. What you took back is marked as undone. Secrets
were taken out when it was recorded."""

EXAMPLES: Final = """\
examples:
  carryover show 3f2a              the session whose id begins with 3f2a
  carryover show last              the newest session of the project you are in
  carryover show 3f2a --full       also what tools printed, and sub-agents
  carryover show 3f2a --turn 4     all that came of your fourth prompt
  carryover show 3f2a --turn 3-5   three turns
  carryover show 3f2a --json       every recorded event, as data

`carryover sessions` lists the ids; the last line of a handoff names one.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the help and the arguments of `carryover show`."""
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("id", metavar="ID", help="session id, or as much of its beginning as is unique; or `last`")
    parser.add_argument("--full", action="store_true", help="add tool output, plans, summaries and sub-agents")
    parser.add_argument(
        "--turn",
        metavar="N",
        type=turns,
        help="only what came of your prompt N, counted from 1, with what tools printed; N-M for several turns, 0 for "
        "what was before the first prompt",
    )
    parser.add_argument("--json", action="store_true", help="print every recorded event as JSON")
    add_pager_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs `carryover show`; returns the exit code."""
    with ledger_with_session(args.id) as (ledger, session):
        events: Iterable[SessionEvent] = session_events(ledger, session)
        about = f"Session {session.native_id}"
        if args.turn is not None:
            number = sum(map(_begins_turn, session_events(ledger, session)))
            if args.turn[-1] > number:
                raise UserError(
                    f"{about} has {counted(number, 'turn')}, so there is no turn {args.turn[-1]}.",
                    ExitCode.NOTHING_FOUND,
                )
            events = of_turns(events, args.turn)
            about += f", {_named(args.turn)} of {number}"
        if args.json:
            _print_json(session, events)
        else:
            if args.turn is not None and not args.full:
                events = (event for event in events if not event.subagent_id)
            with paged(args):
                _print_text(about, session, events, full=args.full or args.turn is not None)
    return ExitCode.OK


def turns(text: str) -> range:
    """The turns that a user names: `3`, or `3-5`; for argparse, which turns the error into a message."""
    first, dash, last = text.partition("-")
    try:
        found = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        found = range(0)
    if not found or found[0] < 0:
        raise argparse.ArgumentTypeError(f"{text!r} names no turn; write 3, or 3-5")
    return found


def of_turns(events: Iterable[SessionEvent], wanted: range) -> Iterator[SessionEvent]:
    """Those of the events of a session that belong to the `wanted` turns.

    A turn is what follows a prompt that a person gave to the main conversation and did not take back, up to the next;
    they count from 1, and 0 is what was before the first.
    """
    turn = 0
    for event in events:
        turn += _begins_turn(event)
        if turn in wanted:
            yield event


def _begins_turn(event: SessionEvent) -> bool:
    is_prompt = isinstance(event.body, UserPrompt) and event.body.actor == "human"
    return is_prompt and not event.subagent_id and not event.retracted


def _named(wanted: range) -> str:
    return f"turn {wanted[0]}" if len(wanted) == 1 else f"turns {wanted[0]} to {wanted[-1]}"


def _print_json(session: SessionRow, events: Iterable[SessionEvent]) -> None:
    """Event by event: a session may hold more than should be in memory at once."""
    import msgspec

    head = msgspec.json.encode(session).decode()
    sys.stdout.write(f'{{"session": {head}, "events": [')
    for number, event in enumerate(events):
        sys.stdout.write((",\n" if number else "\n") + msgspec.json.encode(event).decode())
    sys.stdout.write("\n]}\n")


def _print_text(about: str, session: SessionRow, events: Iterable[SessionEvent], *, full: bool) -> None:
    agent = agent_names().get(session.agent, session.agent)
    facts = [
        f"{agent} {session.agent_version or ''}".strip(),
        short_path(session.root, Path.home()) if session.root else "",
        session.branch or "",
        session.title or "",
    ]
    print(paint(about, BOLD))
    print(harmless(", ".join(fact for fact in facts if fact)))
    print_lines(conversation(events, agent=agent, root=session.root, full=full))


SUBJECT_LIMIT = 110
PLAN_MARKS = {"done": "[x]", "active": "[>]", "pending": "[ ]"}
TURN_ENDS = {"interrupted": "interrupted", "error": "stopped by an error", "limit": "stopped by a limit"}


def conversation(events: Iterable[SessionEvent], *, agent: str, root: str | None, full: bool) -> Iterator[str]:
    """The lines of a session of `agent` (its display name), paths below `root` relative to it, times local.

    Prompts and answers are whole. `full` adds what tools printed, plans, the agent's own summaries and its sub-agents'
    work. What the user took back is dim and marked.
    """
    speaker: tuple[str, str | None, bool] | None = None
    day = ""
    unfinished: dict[str, ToolCall] = {}
    for event in events:
        if event.subagent_id and not full:
            continue
        match event.body:
            case ToolCall() as call if not event.retracted:
                unfinished[call.call_id] = call
            case ToolResult(call_id=call_id):
                unfinished.pop(call_id, None)
        who, lines = _speaker_and_lines(event.body, agent, root, full)
        if not lines:
            continue
        moment = datetime.fromtimestamp(event.at_ms / 1000).astimezone()
        if (today := f"{moment:%A, %d %B %Y}") != day:
            day = today
            yield f"\n{paint(day, DIM)}"
        if who and speaker != (who, event.subagent_id, event.retracted):
            speaker = (who, event.subagent_id, event.retracted)
            where = f" (sub-agent {event.subagent_id})" if event.subagent_id else ""
            undone = " (undone)" if event.retracted else ""
            yield f"\n{paint(f'{moment:%H:%M:%S}', DIM)}  {paint(who + where + undone, BOLD)}"
        if event.retracted:
            lines = _retracted(lines, marked=bool(who))
        yield from (f"  {line}".rstrip() for line in lines)
    for call in unfinished.values():
        yield f"  · {_call_line(call, root)}  (no result recorded)"


def _retracted(lines: list[str], *, marked: bool) -> list[str]:
    """Lines of what the user took back. Where no heading has `marked` it, the first of them does."""
    first, *others = lines
    return [paint(line, DIM) if line else "" for line in (first if marked else f"{first}  (undone)", *others)]


def _speaker_and_lines(body: AnyBody, agent: str, root: str | None, full: bool) -> tuple[str, list[str]]:
    """Who speaks (empty: the same as before) and the lines of it; no lines for what is not shown."""
    match body:
        case UserPrompt(text=text, command=command, actor=actor):
            typed = f"{command} {text}".strip() if command else text
            return ("You" if actor == "human" else "Prompt of the agent"), _text(typed)
        case AssistantMessage(text=text, aborted=aborted):
            return agent, _text(text) + (["(cut off here)"] if aborted else [])
        case Answer(question=question, text=text):
            return "You", [*_text(question, "? "), *_text(text, "> ")]
        case Question(text=text, options=options):
            choices = [f"  - {one_line(option, SUBJECT_LIMIT)}" for option in options]
            return agent, [*_text(text, "? "), *choices]
        case ToolResult(actor=actor) as result:
            return ("You" if actor == "human" else agent), _result_lines(result, root, full)
        case FileEdit() as edit:
            return agent, [f"· {_edit_line(edit, root)}"]
        case PlanUpdate(items=items):
            done = sum(item.state == "done" for item in items)
            steps = [f"  {PLAN_MARKS[item.state]} {one_line(item.text, SUBJECT_LIMIT)}" for item in items]
            return agent, [f"· plan: {done} of {len(items)} done", *(steps if full else [])]
        case PlanProposal(text=text, accepted=accepted):
            verdict = {None: "proposed", True: "accepted", False: "declined"}[accepted]
            return agent, [f"· plan {verdict}", *(_text(text, "  ") if full or accepted is None else [])]
        case AgentSummary(text=text, source=source):
            return agent, [f"· the agent's own summary ({source})", *(_text(text, "  ") if full else [])]
        case _:
            return "", _happening(body)


def _happening(body: AnyBody) -> list[str]:
    """One line for what is neither said nor called."""
    match body:
        case QueuedPrompt(text=text, change=change):
            fate = "queued and withdrawn" if change == "withdrawn" else "queued"
            return [f"· prompt {fate}: {one_line(text, SUBJECT_LIMIT)}"]
        case BackgroundTask(label=label, state=state):
            return [f"· in the background, {state}: {one_line(label, SUBJECT_LIMIT)}"]
        case TurnEnd(reason=reason, message=message):
            return [f"{mark('✗')} {TURN_ENDS[reason]}" + (f": {one_line(message, SUBJECT_LIMIT)}" if message else "")]
        case SessionStart(reason=reason):
            return [f"· session started ({reason})"]
        case SessionEnd(reason=reason):
            return [f"· session ended ({reason})"]
        case _:
            return []


def _result_lines(result: ToolResult, root: str | None, full: bool) -> list[str]:
    if result.op in ("edit", "write", "ask") and result.status == "ok" and not full:
        return []  # the edit, or the answer, says it better
    status = "" if result.status == "ok" else f"  ({result.status})"
    if result.exit_code:
        status = f"  (exit {result.exit_code})"
    line = f"{'·' if result.status in ('ok', 'unknown') else mark('✗')} {_call_line(result, root)}{status}"
    return [line, *(_text(result.output, "    ") if full else [])]


def _call_line(call: ToolCall | ToolResult, root: str | None) -> str:
    subject = _relative(call.subject, root) if call.op in ("read", "edit", "write") else call.subject
    return f"{harmless(call.name)} {one_line(subject, SUBJECT_LIMIT)}".rstrip()


def _edit_line(edit: FileEdit, root: str | None) -> str:
    verb = {"add": "added", "modify": "edited", "delete": "deleted", "rename": "renamed"}[edit.change]
    was = f"{_relative(edit.old_path, root)} to " if edit.old_path else ""
    sizes = [f"{sign}{count}" for sign, count in (("+", edit.added), ("-", edit.removed)) if count is not None]
    return f"{verb} {was}{_relative(edit.path, root)}  {' '.join(sizes)}".rstrip()


def _relative(path: str, root: str | None) -> str:
    below = PurePath(path).is_relative_to(root) if root else False
    return harmless(str(PurePath(path).relative_to(root or "")) if below else path)


def _text(text: str, prefix: str = "") -> list[str]:
    first, *others = harmless(text).strip().split("\n")
    return [f"{prefix}{first}", *(f"{' ' * len(prefix)}{line}" for line in others)]
