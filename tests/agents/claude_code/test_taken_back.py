"""A prompt that is typed again where an earlier one was: after `/rewind`, or Escape before an answer."""

from __future__ import annotations

from agents.claude_code.session import Session
from carryover.model import FileEdit, Retracted, UserPrompt


def rewound() -> Session:
    """Two answered prompts; then the user goes back to before the second, and types another (2.1.332)."""
    session = Session()
    session.user("Make a pear cost two")
    session.says("Two coins.", stop="end_turn", parentUuid="u1")
    session.user("Make it nine", parentUuid="u2")
    session.runs("Write", "File created successfully at: /home/dev/shop/nine.py", file_path="/home/dev/shop/nine.py")
    session.says("Nine coins. Is that right?", stop="end_turn", parentUuid="u5")
    session.user("Three then", parentUuid="u2")
    return session


def test_what_was_said_since_the_earlier_prompt_is_taken_back() -> None:
    session = rewound()
    [taken] = session.all(Retracted)
    gone = [event.body for event in session.events if event.key in taken.keys]
    assert [getattr(body, "text", "") for body in gone] == ["Make it nine", "Nine coins. Is that right?"]
    assert [edit.path for edit in session.all(FileEdit)] == ["/home/dev/shop/nine.py"]
    # Once more, from before all of them but the first.
    session.says("Three coins.", stop="end_turn", parentUuid="u7")
    session.user("Four then", parentUuid="u2")
    assert len(session.all(Retracted)[-1].keys) == 2


def test_a_prompt_at_another_place_takes_nothing_back() -> None:
    session = rewound()
    session.says("Three coins.", stop="end_turn", parentUuid="u7")
    session.user("And a plum", parentUuid="u8")
    session.user("And a fig", parentUuid=None)
    session.user("And a nut", parentUuid=None)
    assert len(session.all(Retracted)) == 1


def test_turns_that_the_client_wrote_again_take_nothing_back() -> None:
    """Older clients append them with their old time (2.0.28, 2.1.11)."""
    session = Session()
    for _ in range(2):
        for turn, before in enumerate(("u0", "u2")):
            session.user("Make a pear cost two", parentUuid=before, timestamp=f"2026-11-20T06:0{turn}:01.000Z")
            session.says("Two coins.", parentUuid="u1", timestamp=f"2026-11-20T06:0{turn}:02.000Z")
    assert len(session.all(UserPrompt)) == 4
    assert session.all(Retracted) == []


def test_a_prompt_stands_while_a_call_that_followed_it_runs() -> None:
    """Another terminal continues the same session: a client that is interrupted, or rewinds, ends its calls first."""
    session = Session()
    session.user("Make a pear cost two")
    session.says("Two coins.", stop="end_turn", parentUuid="u1")
    session.user("Make it nine", parentUuid="u2")
    session.calls("Bash", command="make prices")
    session.user("Three then", parentUuid="u2")
    assert session.all(Retracted) == []
