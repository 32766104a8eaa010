"""Windsurf's material for the contract suite: synthetic, because the program needs an account to run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from agents.windsurf.talks import EXAMPLES, PROJECT, START, Talk, payload, put, spool_of, transcripts_of, uid, worked
from contract.case import Capabilities, Case, Payload, Recording
from support.own_folder import own_folder

FOLDER: Final = own_folder("windsurf")
AT_MS: Final = int(START.timestamp() * 1000)


def spooled(folder: Path, talk: Talk) -> Recording:
    root = spool_of(folder)
    return Recording(put(root / f"{talk.id}.jsonl", talk.spooled()), root)


def transcript(folder: Path, talk: Talk) -> Recording:
    root = transcripts_of(folder)
    return Recording(put(root / f"{talk.id}.jsonl", talk.transcript()), root)


def recordings() -> tuple[Recording, ...]:
    """Hook calls alone, hook calls with a transcript that goes as far as the first of two turns, a transcript alone."""
    both = worked("both")
    known = transcript(FOLDER / "both", both)
    both.name_transcript(known.path)
    both.prompt("Yes.")
    both.edit(f"{both.project}/src/calc.py", "a * b", "a + b")
    return (
        spooled(FOLDER / "calls", worked()),
        spooled(FOLDER / "both", both),
        transcript(FOLDER / "alone", worked("alone")),
    )


def record(event: str, data: bytes | None = None, **fields: Any) -> bytes:
    held = json.loads(data or b"{}").get("tool_info")
    return entry(kind=event, id="call/1", at_ms=AT_MS, held=held, **fields)


def row(kind: str, status: str = "done", **data: Any) -> bytes:
    return entry(kind=f"row/{kind}", id="row1", at_ms=AT_MS, held=data, status=status)


def entry(**fields: Any) -> bytes:
    session = {"id": uid("one"), "directory": PROJECT}
    return json.dumps({"kind": "message", "session": session, "entry": fields}).encode()


def called(folder: Path) -> Iterator[Recording]:
    """Two turns, call by call, without a transcript; one call is handed over twice, another comes late."""
    talk = worked()
    talk.calls.insert(2, talk.calls[1])
    talk.prompt("Yes.")
    talk.say("It passes now.")
    late = talk.calls.pop(-2)
    talk.calls.append(late)
    grown = Talk()
    for call in talk.calls:
        grown.calls.append(call)
        yield spooled(folder, grown)


def in_turns(folder: Path) -> Iterator[Recording]:
    """Two turns, each with its calls first and then with a transcript, which is rewritten."""
    talk = Talk()
    for number in range(3):
        for step in (
            partial(talk.prompt, f"Step {number}: add a function."),
            partial(talk.edit, f"{talk.project}/step{number}.py", "", "def step():\n    pass\n"),
            partial(talk.run, "make test", "1 passed\n", 0),
            partial(talk.say, f"Step {number} is done."),
        ):
            step()
            yield spooled(folder, talk)
        talk.name_transcript(transcript(folder, talk).path)
        yield spooled(folder, talk)


def rewritten(folder: Path) -> Iterator[Recording]:
    """A transcript alone. A row is pending first, and all rows get times in the end."""
    talk = worked()
    last = talk.rows[-1]
    talk.rows[-1] = {**last, "status": "pending"}
    yield transcript(folder, talk)
    talk.rows[-1] = last
    yield transcript(folder, talk)
    talk.prompt("Yes.")
    talk.say("It passes now.")
    talk.rows = [{**each, "timestamp": AT_MS / 1000 + number} for number, each in enumerate(talk.rows)]
    yield transcript(folder, talk)


FORMS: Final = (
    "### User Input\n\nShip it\n\n### Planner Response\n\nShip it",
    "*User rejected the command `make ship`*",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    # No tool's output but that of commands.
    places=1,
    grows_by_lines=False,
    stages={"called": called, "in turns": in_turns, "rewritten": rewritten},
    unknown=(
        record("post_moon_landing", payload("pre_user_prompt")),
        record("post_run_command", payload("post_run_command", cwd="/home/dev/demo")),
        row("moon_landing", where="here"),
        row("planner_response", "moonstruck", response="words"),
        entry(kind="call"),
    ),
    quiet=(
        record("post_cascade_response_with_transcript", payload("post_cascade_response_with_transcript")),
        record("pre_user_prompt", payload("pre_user_prompt", user_prompt=" \n")),
        row("planner_response", "pending", response="I will"),
        row("user_input", "canceled", user_response="Never mind"),
    ),
    not_typed=(
        record("post_cascade_response", payload("post_cascade_response")),
        row("planner_response", response="An answer."),
        row("user_input", "pending", user_response="Not sent yet"),
    ),
    strangers=(
        "pending/abc.hook",
        "pending/a1.jsonl",
        f"{uid('one')}.pb",
        f"{uid('one')}.transcript.jsonl",
        f"{uid('one')}.json",
        f".{uid('one')}.jsonl",
        "a b.jsonl",
        "memories/global_rules.md",
    ),
    payloads=tuple(Payload(event, payload(event)) for event in EXAMPLES if event.startswith(("pre_", "post_"))),
    foreign=(
        # Claude Code, and Devin Local, which runs Claude Code's hooks.
        Payload("pre_user_prompt", b'{"session_id": "s1", "hook_event_name": "UserPromptSubmit", "prompt": "words"}'),
        Payload("post_cascade_response", b'{"conversation_id": "c1", "cursor_version": "3.12.17"}'),
        Payload("post_write_code", payload("post_run_command")),
        Payload("pre_user_prompt", payload("pre_user_prompt").replace(uid("one").encode(), b"../../etc/passwd")),
    ),
)

CAPABILITIES: Final = Capabilities(
    reads="what Cascade hands to its hooks from `carryover install` on, and its transcripts",
    shows=frozenset({"tests"}),
    synthetic="synthetic payloads, as Windsurf needs an account to run",
)
