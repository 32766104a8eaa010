"""What a chat of VS Code becomes."""

from __future__ import annotations

import pytest

from agents.copilot.chat_reading import ChatReading, answered, bodies
from agents.copilot.chats import (
    CANCELLED,
    FAILED,
    FAILED_TEST,
    ONE,
    PROJECT,
    Json,
    Window,
    chat,
    edits,
    markdown,
    request,
    uri,
)
from carryover.model import (
    AssistantMessage,
    FileEdit,
    SessionInfo,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)

TEST = "python3 -m unittest tests.test_calc"
LIMITED = "You have exceeded your premium request allowance."


def test_a_turn_is_read_whole_and_in_order(window: Window) -> None:
    found = ChatReading(window.store(ONE)).read()

    assert [event.body for event in found] == [
        UserPrompt(text="The add function in src/calc.py is wrong. Fix it and run the tests."),
        AssistantMessage(text="I will change the operator in `calc.py` and run the tests.", final=False),
        ToolCall(call_id="call_edit", name="copilot_replaceString", op="edit", subject=f"{PROJECT}/src/calc.py"),
        ToolResult(
            call_id="call_edit",
            name="copilot_replaceString",
            op="edit",
            status="ok",
            subject=f"{PROJECT}/src/calc.py",
        ),
        FileEdit(
            path=f"{PROJECT}/src/calc.py",
            change="modify",
            call_id="call_edit",
            added=1,
            removed=1,
            line=2,
            anchor="    return a * b",
        ),
        ToolCall(
            call_id="call_test", name="run_in_terminal", op="shell", subject="python3 -m unittest tests.test_calc"
        ),
        ToolResult(
            call_id="call_test",
            name="run_in_terminal",
            op="shell",
            status="error",
            subject=TEST,
            exit_code=1,
            output=FAILED_TEST,
        ),
        AssistantMessage(
            text="test_add still fails (2 != 3). Should I switch it to plain addition, or is the test itself wrong?",
            final=True,
        ),
        SessionInfo(title="Fix add()", agent_version="0.48.1", model="test-model"),
    ]
    assert {event.cwd for event in found} == {PROJECT}
    assert {event.session for event in found} == {ONE["sessionId"]}


@pytest.mark.parametrize(
    ("more", "actor"),
    [
        ({}, "human"),
        ({"confirmation": "Continue"}, "model"),
        ({"isSystemInitiated": True}, "model"),
        ({"requestSource": "agentMerge"}, "model"),
        ({"requestHiddenFromTranscript": True}, "model"),
        ({"isSystemInitiated": False, "confirmation": ""}, "human"),
    ],
)
def test_only_what_a_person_typed_is_theirs(window: Window, more: Json, actor: str) -> None:
    assert [prompt.actor for prompt in bodies(window, UserPrompt, request("Go.", **more))] == [actor]


def test_a_slash_command_is_recognised_from_its_words(window: Window) -> None:
    command = {"kind": "slash", "slashCommand": {"command": "fix"}}
    given = request("Go.", message={"text": "@workspace /fix the add function", "parts": [command]})
    alone = request("Go.", message={"text": "/compact", "parts": [{"kind": "slash"}]}, at_s=1)
    path = request("Go.", message={"text": "/etc/hosts is wrong", "parts": [{"kind": "text"}]}, at_s=2)

    assert bodies(window, UserPrompt, given, alone, path) == [
        UserPrompt(text="the add function", command="/fix"),
        UserPrompt(text="", command="/compact"),
        UserPrompt(text="/etc/hosts is wrong"),
    ]


def test_a_text_is_one_message_until_the_model_does_something_else(window: Window) -> None:
    reference = {"kind": "inlineReference", "name": "add", "inlineReference": {"uri": uri("/x/calc.py"), "range": {}}}
    symbol = {"kind": "inlineReference", "inlineReference": {"name": "sub", "location": {"uri": uri("/x/calc.py")}}}
    found = answered(
        window,
        AssistantMessage,
        markdown("First "),
        reference,
        {"kind": "undoStop", "id": "s1"},
        markdown(", then "),
        symbol,
        {"kind": "markdownVuln", "content": markdown("."), "vulnerabilities": []},
        {"kind": "thinking", "value": "THOUGHT"},
        {"kind": "markdownContent", "content": markdown("Now the tests.")},
        {"kind": "progressMessage", "content": markdown("Working")},
    )

    assert found == [
        AssistantMessage(text="First `add`, then `sub`.", final=False),
        AssistantMessage(text="Now the tests.", final=True),
    ]


def test_the_borders_of_a_block_that_became_an_edit_are_no_words(window: Window) -> None:
    parts = (
        markdown("I will change it.\n\n```python\n"),
        {"kind": "codeblockUri", "uri": uri("/x/a.py"), "isEdit": True},
        edits("/x/a.py", "b\n"),
        markdown("\n```\n\nNow run:\n```sh\nmake\n```"),
    )

    assert [message.text for message in answered(window, AssistantMessage, *parts)] == [
        "I will change it.",
        "Now run:\n```sh\nmake\n```",
    ]


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({"state": CANCELLED}, TurnEnd(reason="interrupted")),
        ({"state": None, "isCanceled": True}, TurnEnd(reason="interrupted")),
        ({"state": FAILED}, TurnEnd(reason="error")),
        (
            {"state": FAILED, "result": {"errorDetails": {"message": "Sorry, something broke."}}},
            TurnEnd(reason="error", message="Sorry, something broke."),
        ),
        (
            {"result": {"errorDetails": {"message": "Try later.", "isRateLimited": True}}},
            TurnEnd(reason="limit", message="Try later."),
        ),
        (
            {"result": {"errorDetails": {"message": "Upgrade.", "isQuotaExceeded": True}}},
            TurnEnd(reason="limit", message="Upgrade."),
        ),
        (
            {"state": FAILED, "result": {"errorDetails": {"message": LIMITED}}},
            TurnEnd(reason="limit", message=LIMITED),
        ),
        ({"result": {"errorDetails": {"message": "Canceled", "code": "canceled"}}}, TurnEnd(reason="interrupted")),
    ],
)  # fmt: skip
def test_a_turn_that_did_not_end_well_says_how(window: Window, more: Json, end: TurnEnd) -> None:
    assert answered(window, TurnEnd, markdown("I will"), **more) == [end]


def test_facts_about_the_session_are_sent_when_they_are_news(window: Window) -> None:
    reading = ChatReading(window.store(chat("any", request("Go."))))
    assert reading.bodies(SessionInfo) == [SessionInfo(agent_version="0.48.1", model="test-model")]

    window.store(chat("any", request("Go."), customTitle="A title", repoData={"localBranch": "topic"}))
    assert reading.bodies(SessionInfo) == [
        SessionInfo(title="A title", agent_version="0.48.1", model="test-model", branch="topic")
    ]


def test_parts_of_an_unknown_kind_are_counted_and_cost_nothing_else(window: Window) -> None:
    reading = ChatReading(window.store(chat("any", request("Go.", {"kind": "brandNew"}, markdown("Done."), {"x": 1}))))

    assert len(reading.bodies(AssistantMessage)) == 1
    assert [(skipped.record_type, skipped.reason) for skipped in reading.skipped] == [
        ("part/brandNew", "unknown kind"),
        ("?", "unknown kind"),
    ]
