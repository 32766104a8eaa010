"""What is the user's where the client writes beside it, or again, what they typed."""

from __future__ import annotations

import pytest

from agents.gemini_cli.lines import Lines, call
from carryover import model

CONTEXT = "<session_context>\nShop.\n</session_context>"


def typed(lines: Lines) -> list[str]:
    return [prompt.text for prompt in lines.all(model.UserPrompt)]


@pytest.mark.parametrize("sent", ["Please continue.", "System: Potential loop detected. Details: none."])
def test_what_the_client_sends_beside_the_prompt_is_not_that_prompt_again(sent: str) -> None:
    """In a terminal each request of a turn has the prompt as what is shown (0.61.0)."""
    lines = Lines()
    lines.user("Fix the price.")
    lines.user(sent, displayContent=[{"text": "Fix the price."}])
    lines.user("Use the skill tax", displayContent=[{"text": "/tax whole cents"}])

    assert typed(lines) == ["Fix the price.", "/tax whole cents"]


def test_a_prompt_that_the_client_joined_to_its_own_text_is_one() -> None:
    lines = Lines()
    lines.user(CONTEXT, "Here is the user's editor context as a JSON object. For you.\n```json\n{}\n```", "Fix it.")

    assert typed(lines) == ["Fix it."]


def test_a_refused_call_leaves_the_conversation_as_it_was() -> None:
    """The client writes all of it again without the prompt that led to the call (0.44, 0.61)."""
    lines = Lines()
    lines.user("one")
    lines.gemini("First.")
    lines.user("two")
    lines.gemini("", call("run_shell_command", {}, "[Operation Cancelled] Reason: User denied", status="cancelled"))
    at = lines.message("info", "Request cancelled.")
    lines.add(at)
    again = [
        lines.message("user", [{"text": CONTEXT}, {"text": "one"}]),
        lines.message("gemini", [{"text": "First."}]),
    ]
    again = [{**each, "timestamp": at["timestamp"]} for each in again]
    for each in [*again, {"$set": {"messages": again}}]:
        lines.add(each)
    lines.user("three")

    assert typed(lines) == ["one", "two", "three"]
    assert lines.all(model.Retracted) == []
    assert [said.text for said in lines.all(model.AssistantMessage)] == ["First."]


def test_a_client_that_was_killed_as_it_wrote_again_loses_no_later_prompt() -> None:
    lines = Lines()
    lines.user("one")
    at = lines.message("info", "Request cancelled.")
    lines.add(at)
    lines.add({**lines.message("user", [{"text": CONTEXT}, {"text": "one"}]), "timestamp": at["timestamp"]})
    lines.user("two")

    assert typed(lines) == ["one", "two"]


def test_a_skill_that_the_user_calls_is_no_call_of_the_answer_before_it() -> None:
    """The client adds the call to that answer and writes the answer's text again (0.61.0, a run)."""
    text = '<activated_skill name="release">\n  <instructions>\n    # Release\n  </instructions>\n</activated_skill>'
    skill = call("activate_skill", {"name": "release"}, text, ident="activate_skill-1795976528052-3f6b500b55dc7")
    lines = Lines()
    lines.user("Tidy up.")
    lines.gemini("Tidied.", ident="answer")
    lines.gemini("Tidied.", skill, ident="answer")
    lines.user("the app", displayContent=[{"text": "/release the app"}])

    assert lines.all(model.ToolCall) + lines.all(model.ToolResult) == []
    assert lines.all(model.AssistantMessage) == [model.AssistantMessage(text="Tidied.", grows=True)]
    assert typed(lines) == ["Tidy up.", "/release the app"]


def test_a_skill_that_the_model_takes_is_a_call_of_its_own() -> None:
    lines = Lines()
    lines.gemini("I look.", call("activate_skill", {"name": "release"}, "Do.", ident="activate_skill__call0001"))

    assert [done.name for done in lines.all(model.ToolCall)] == ["activate_skill"]
    assert [said.final for said in lines.all(model.AssistantMessage)] == [False]


def test_a_prompt_at_once_after_an_interruption_is_one() -> None:
    lines = Lines()
    lines.user("one")
    at = lines.message("info", "Request cancelled.")
    lines.add(at)
    lines.add({**lines.message("user", [{"text": "two"}]), "timestamp": at["timestamp"]})

    assert typed(lines) == ["one", "two"]


def test_a_message_is_written_without_its_calls_first() -> None:
    lines = Lines()
    lines.gemini("I read the cart now.", ident="m1")
    lines.gemini("I read the cart now.", call("read_file", {"file_path": "cart.py"}, "x = 1"), ident="m1")

    assert lines.all(model.AssistantMessage) == [model.AssistantMessage(text="I read the cart now.", grows=True)]
    assert [body.name for body in lines.all(model.ToolCall)] == ["read_file"]
