"""The conversation so far, written into the same file again by the editor extension (2.0.29)."""

from __future__ import annotations

from typing import Any

from agents.claude_code.session import Session
from carryover.model import AssistantMessage, FileEdit, Retracted, ToolCall, ToolResult, UserPrompt

OPENED = "<ide_opened_file>The user opened the file /home/dev/shop/cart.py in the IDE.</ide_opened_file>"
COPIED = "2026-11-20T06:30:00.000Z"


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def edit(ident: str) -> dict[str, Any]:
    given = {"file_path": "/home/dev/shop/cart.py", "old_string": "a", "new_string": "b"}
    return {"type": "tool_use", "id": ident, "name": "Edit", "input": given}


def result(ident: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": ident, "content": "The file has been updated."}


def worked(version: str) -> Session:
    """One turn, whose prompt has what is open in the editor before it."""
    session = Session()
    session.user([text(OPENED), text("Add a discount.")], parentUuid=None, version=version)
    session.says("On it.", edit("toolu_1"), parentUuid="u1", version=version)
    session.user([result("toolu_1")], parentUuid="u2", version=version)
    return session


def repeat(session: Session, parent: str | None, version: str, *, at: str = COPIED) -> None:
    """The client writes that turn again: each block is a record, and all have the time of the copy."""
    for kind, block in (
        ("user", text(OPENED)),
        ("user", text("Add a discount.")),
        ("assistant", text("On it.")),
        ("assistant", edit("toolu_1")),
        ("user", result("toolu_1")),
    ):
        message = {"role": kind, "model": "m", "content": [block]}
        session.record(kind, message=message, parentUuid=parent, timestamp=at, version=version)
        parent = f"u{session.number}"


def test_a_copy_of_the_conversation_is_not_counted_again() -> None:
    session = worked("2.0.29")
    repeat(session, None, "2.0.29")
    # Typed later at the place where the copy ends, then copied in turn, and typed once more in the same words.
    again = {"version": "2.0.29", "parentUuid": f"u{session.number}"}
    session.user([text(OPENED), text("?")], timestamp="2026-11-20T06:30:00.200Z", **again)
    session.user([text(OPENED)], timestamp="2026-11-20T06:31:00.000Z", **again)
    session.user([text("?")], timestamp="2026-11-20T06:31:00.000Z", version="2.0.29", parentUuid="u10")
    session.user([text(OPENED), text("?")], timestamp="2026-11-20T06:31:00.200Z", version="2.0.29", parentUuid="u11")

    assert [prompt.text for prompt in session.all(UserPrompt)] == ["Add a discount.", "?", "?"]
    assert [len(session.all(kind)) for kind in (AssistantMessage, ToolCall, ToolResult, FileEdit)] == [1, 1, 1, 1]
    # The copy has the place of the prompt that it repeats, and a later time: there was no rewind.
    assert session.all(Retracted) == []


def test_a_prompt_typed_again_at_the_same_place_is_a_prompt() -> None:
    session = worked("2.1.19")
    session.user([text(OPENED), text("Add a discount.")], parentUuid=None, version="2.1.19")
    session.user([text(OPENED), text("Cents only.")], parentUuid=None, version="2.0.29")
    assert [prompt.text for prompt in session.all(UserPrompt)] == ["Add a discount."] * 2 + ["Cents only."]
    # Sub-agents in the same file are given the same words at the same place: none.
    for _ in range(2):
        session.user([text("Warm up.")], parentUuid=None, version="2.0.29", isSidechain=True)
    assert len(session.all(UserPrompt)) == 5


def test_the_first_prompt_is_known_again_in_a_long_conversation() -> None:
    session = worked("2.0.29")
    for number in range(200):
        session.user(
            [text(OPENED), text("Go on.")], parentUuid=f"p{number}", version="2.0.29", timestamp=COPIED[:-5] + "Z"
        )
    before = len(session.events)
    repeat(session, None, "2.0.29", at="2026-11-20T07:00:00.000Z")
    assert len(session.events) == before
