from __future__ import annotations

from carryover.model import AssistantMessage, UserPrompt
from carryover.publish.make import newest_first
from carryover.publish.project_view import project_view
from support.scribe import Reading, Scribe


def said(text: str) -> AssistantMessage:
    return AssistantMessage(text=text, final=True)


async def test_the_events_of_all_sessions_come_newest_first_with_their_turns(scribe: Scribe, reading: Reading) -> None:
    """Nothing of another project, and nothing of a sub-agent."""
    added = (("add it", 1000), (said("Added."), 3000), ("mend", 5000))
    seen = (("look", 2000), (said("Seen."), 4000))
    await scribe.tell(*(scribe.event(body, at_ms=at_ms) for body, at_ms in added), path="/t/1")
    await scribe.tell(*(scribe.event(body, session="s2", at_ms=at_ms) for body, at_ms in seen), path="/t/2")
    await scribe.tell(scribe.event("elsewhere", session="s3", cwd="/other"), path="/t/3")
    await scribe.tell(scribe.event("its own", subagent_id="a1", at_ms=4500), path="/t/4")

    db = reading()
    found = [
        (event.view.session, event.turn, event.body.text)
        for event in newest_first(db, project_view(db, 1))
        if isinstance(event.body, UserPrompt | AssistantMessage)
    ]

    assert found == [
        ("s1", 2, "mend"),
        ("s2", 1, "Seen."),
        ("s1", 1, "Added."),
        ("s2", 1, "look"),
        ("s1", 1, "add it"),
    ]
