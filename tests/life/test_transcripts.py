"""What each agent's transcript is read as is what the story tells."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from carryover import model
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions
from life.player import Player
from life.story import Call, Session, Step, Story
from life.transcripts import TRANSCRIPTS

TURNS: dict[str, Step] = {
    "says": Step(prompt="Say it", calls=(Call(says="On the way"), Call(run="ls", prints="a")), answer="Said."),
    "edit": Step(
        prompt="Edit it",
        calls=(Call(edit="cart.py", old="sum(items)", new="0"), Call(edit="new.py", text="a = 1\nb = 2\n")),
        answer="Edited.",
    ),
    "run": Step(prompt="Run it", calls=(Call(run="make", prints="no rule", exit=2), Call(run="pwd", prints="/x"))),
    "test": Step(prompt="Test it", calls=(Call(test="pytest -q", passed=2, fails=("t.py::test_a - KeyError",)),)),
    "git": Step(prompt="Commit it", calls=(Call(git="commit --quiet --allow-empty --message Empty"),), answer="Done."),
    "read": Step(prompt="Read it", calls=(Call(read="README.md"),), answer="Read."),
    "ask": Step(prompt="Ask me", calls=(Call(ask="Which?", options=("a", "b"), answer="b"),), answer="Asked."),
    "todo": Step(prompt="Plan it", calls=(Call(todo=("[x] one", "[~] two", "[ ] three")),), answer="Planned."),
    "plan": Step(prompt="Write a plan", calls=(Call(plan="# Plan\n- one", accepted=True),), answer="Accepted."),
    "refused": Step(prompt="Clean up", calls=(Call(refused="rm -r build", words="Not that folder"),), answer="Kept."),
    "queued": Step(prompt="Work", calls=(Call(queued="And the docs"), Call(run="ls", prints="b")), answer="Worked."),
    "compaction": Step(prompt="More", calls=(Call(compaction="The shop was worked on."),), answer="More done."),
    "interrupted": Step(prompt="Stop", calls=(Call(run="ls", prints="c"),), ends="interrupted"),
    "resets": Step(prompt="Much", ends="limit", resets="3pm"),
    "limit": Step(prompt="Too much", ends="limit"),
    "undo": Step(undo=1, prompt="Instead", answer="Then that."),
    "hangs": Step(prompt="Deploy", calls=(Call(hangs="make deploy"),), ends="killed"),
}


async def told(agent: str, kinds: list[str], home: Path, templates: Path) -> list[tuple[Any, ...]]:
    """Returns what the ledger says about a session with these turns."""
    steps = tuple(Step(**{**_fields(TURNS[kind]), "session": "A"}) for kind in kinds)
    story = Story(title=agent, sessions={"A": Session(agent=agent)}, step=steps, expect=())
    player = Player(story, home, templates)
    await player.play()
    with closing(connect_read_only(player.paths.state.ledger)) as db:
        [row] = sessions(db, limit=9)
        events = [event for event in session_events(db, row) if not event.retracted]
    return [said for event in events if (said := _said(event.body)) is not None]


def _fields(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in Step.__struct_fields__}


def _said(body: model.AnyBody) -> tuple[Any, ...] | None:
    """What matters of an event to a story; None if nothing."""
    match body:
        case model.UserPrompt() | model.AssistantMessage() | model.QueuedPrompt():
            return type(body).__name__, body.text
        case model.FileEdit():
            return (
                "edit",
                Path(body.path).name,
                body.change,
                sum(line.startswith("+") for line in body.diff.split("\n")),
            )
        case model.ToolResult(op="shell"):
            return "ran", body.subject, body.status, body.output.strip() if body.status != "denied" else ""
        case model.ToolCall(subject="make deploy"):
            return ("hangs",)
        case model.Question():
            return "question", body.text, body.options
        case model.Answer():
            return "answer", body.question, body.text
        case model.PlanUpdate():
            return "todo", body.items
        case model.PlanProposal():
            return "plan", body.accepted
        case model.AgentSummary():
            return "summary", body.text
        case model.TurnEnd():
            return "end", body.reason
        case _:
            return None


@pytest.mark.parametrize("agent", TRANSCRIPTS)
async def test_a_transcript_is_read_as_what_the_story_tells(
    agent: str, home: Path, templates: Path, tmp_path: Path
) -> None:
    kinds = [kind for kind in TURNS if kind in TRANSCRIPTS[agent].EXPRESSES]

    written = await told(agent, kinds, home, templates)
    typed = await told("cursor", kinds, tmp_path, templates)

    if "read" in kinds and agent == "codex":  # which reads by a command
        written = [said for said in written if not (said[0] == "ran" and said[1].startswith("cat "))]
    assert written == typed


def test_each_kind_of_call_is_tried() -> None:
    assert {*Call.__struct_fields__[:13]} <= {*TURNS}
