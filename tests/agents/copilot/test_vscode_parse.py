"""What a chat of VS Code becomes."""

from __future__ import annotations

from typing import Any

import pytest

from agents.copilot.chats import (
    CANCELLED,
    FAILED,
    FAILED_TEST,
    ONE,
    PROJECT,
    ChatReading,
    Json,
    Window,
    answered,
    bodies,
    chat,
    edit_call,
    edits,
    events,
    markdown,
    request,
    shell,
    tool,
    uri,
)
from carryover import model
from carryover.agents.copilot.adapter import AGENT
from contract.case import of
from support.costs import costing_little

TEST = "python3 -m unittest tests.test_calc"
LINK = f"Reading [](file://{PROJECT}/a%20b.py#1-5), lines 1 to 5"
CALC = f"{PROJECT}/src/calc.py"
LIMITED = "You have exceeded your premium request allowance."


def test_a_turn_is_read_whole_and_in_order(window: Window) -> None:
    found = ChatReading(window.store(ONE)).read()

    edit: dict[str, Any] = {"call_id": "call_edit", "name": "copilot_replaceString", "op": "edit", "subject": CALC}
    test: dict[str, Any] = {"call_id": "call_test", "name": "run_in_terminal", "op": "shell", "subject": TEST}
    counted: dict[str, Any] = {"added": 1, "removed": 1, "line": 2, "anchor": "    return a * b"}
    last = "test_add still fails (2 != 3). Should I switch it to plain addition, or is the test itself wrong?"
    assert [event.body for event in found] == [
        model.UserPrompt(text="The add function in src/calc.py is wrong. Fix it and run the tests."),
        model.AssistantMessage(text="I will change the operator in `calc.py` and run the tests.", final=False),
        model.ToolCall(**edit),
        model.ToolResult(**edit, status="ok"),
        model.FileEdit(path=CALC, change="modify", call_id="call_edit", **counted),
        model.ToolCall(**test),
        model.ToolResult(**test, status="error", exit_code=1, output=FAILED_TEST),
        model.AssistantMessage(text=last, final=True),
        model.SessionInfo(title="Fix add()", agent_version="0.48.1", model="test-model"),
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
    assert [prompt.actor for prompt in bodies(window, model.UserPrompt, request("Go.", **more))] == [actor]


def test_a_slash_command_is_recognised_from_its_words(window: Window) -> None:
    command = {"kind": "slash", "slashCommand": {"command": "fix"}}
    given = request("Go.", message={"text": "@workspace /fix the add function", "parts": [command]})
    alone = request("Go.", message={"text": "/compact", "parts": [{"kind": "slash"}]}, at_s=1)
    path = request("Go.", message={"text": "/etc/hosts is wrong", "parts": [{"kind": "text"}]}, at_s=2)

    assert bodies(window, model.UserPrompt, given, alone, path) == [
        model.UserPrompt(text="the add function", command="/fix"),
        model.UserPrompt(text="", command="/compact"),
        model.UserPrompt(text="/etc/hosts is wrong"),
    ]


def test_a_command_that_a_file_stands_for_is_what_was_typed(window: Window) -> None:
    sent = "Follow instructions in [plan.prompt.md](file:///home/dev/demo/.github/prompts/shop.plan.prompt.md)."
    skill = "Follow instructions in [SKILL.md](file:///g%3A/demo/.github/skills/review/SKILL.md).\nOnly cart.py.\n"
    quoted = f"What does this do? {sent}"

    typed = [
        model.UserPrompt(text="", command="/shop.plan"),
        model.UserPrompt(text="Only cart.py.", command="/review"),
        model.UserPrompt(text=quoted),
    ]

    assert bodies(window, model.UserPrompt, *(request(text) for text in (sent, skill, quoted))) == typed
    assert AGENT.quoted is not None
    assert [body for text in (sent, skill, quoted) for body in AGENT.quoted.prompt(text, "")] == typed


def test_a_text_is_one_message_until_the_model_does_something_else(window: Window) -> None:
    reference = {"kind": "inlineReference", "name": "add", "inlineReference": {"uri": uri("/x/calc.py"), "range": {}}}
    symbol = {"kind": "inlineReference", "inlineReference": {"name": "sub", "location": {"uri": uri("/x/calc.py")}}}
    folder = {"kind": "inlineReference", "inlineReference": uri("/x/build/")}
    found = answered(
        window,
        model.AssistantMessage,
        markdown("First "),
        reference,
        {"kind": "undoStop", "id": "s1"},
        markdown(", then "),
        symbol,
        markdown(" in "),
        folder,
        {"kind": "markdownVuln", "content": markdown("."), "vulnerabilities": []},
        {"kind": "thinking", "value": "THOUGHT"},
        {"kind": "markdownContent", "content": markdown("Now the tests.")},
        {"kind": "progressMessage", "content": markdown("Working")},
    )

    assert found == [
        model.AssistantMessage(text="First `add`, then `sub` in `build`.", final=False),
        model.AssistantMessage(text="Now the tests.", final=True),
    ]


def test_parts_of_an_unknown_kind_are_counted_and_cost_nothing_else(window: Window) -> None:
    reading = ChatReading(window.store(chat("any", request("Go.", {"kind": "brandNew"}, markdown("Done."), {"x": 1}))))

    assert len(reading.bodies(model.AssistantMessage)) == 1
    assert [(each.record_type, each.reason) for each in reading.skipped] == [
        ("part/brandNew", "unknown kind"),
        ("?", "unknown kind"),
    ]


def test_the_borders_of_a_block_that_became_an_edit_are_no_words(window: Window) -> None:
    parts = (
        markdown("I will change it.\n\n```python\n"),
        {"kind": "codeblockUri", "uri": uri("/x/a.py"), "isEdit": True},
        edits("/x/a.py", "b\n"),
        markdown("\n```\n\nNow run:\n```sh\nmake\n```"),
    )

    assert [message.text for message in answered(window, model.AssistantMessage, *parts)] == [
        "I will change it.",
        "Now run:\n```sh\nmake\n```",
    ]


def error(message: str, **details: Any) -> Json:
    return {"result": {"errorDetails": {"message": message, **details}}}


@pytest.mark.parametrize(
    ("more", "reason", "message"),
    [
        ({"state": CANCELLED}, "interrupted", ""),
        ({"state": None, "isCanceled": True}, "interrupted", ""),
        (error("Canceled", code="canceled"), "interrupted", ""),
        ({"state": FAILED}, "error", ""),
        ({"state": FAILED, **error("Sorry, something broke.")}, "error", "Sorry, something broke."),
        (error("Try later.", isRateLimited=True), "limit", "Try later."),
        (error("Upgrade.", isQuotaExceeded=True), "limit", "Upgrade."),
        ({"state": FAILED, **error(LIMITED)}, "limit", LIMITED),
    ],
)
def test_a_turn_that_did_not_end_well_says_how(window: Window, more: Json, reason: Any, message: str) -> None:
    assert answered(window, model.TurnEnd, markdown("I will"), **more) == [
        model.TurnEnd(reason=reason, message=message)
    ]


def test_facts_about_the_session_are_sent_when_they_are_news(window: Window) -> None:
    reading = ChatReading(window.store(chat("any", request("Go."))))
    assert reading.bodies(model.SessionInfo) == [model.SessionInfo(agent_version="0.48.1", model="test-model")]

    window.store(chat("any", request("Go."), customTitle="A title", repoData={"localBranch": "topic"}))
    news = model.SessionInfo(title="A title", agent_version="0.48.1", model="test-model", branch="topic")
    assert reading.bodies(model.SessionInfo)[1:] == reading.bodies(model.SessionInfo)[1:] == [news]


PICTURE = {"output": [{"isText": False, "value": "QUJD"}], "isError": True}
PRINTED = {"input": "{}", "output": [{"type": "text", "value": "a"}, {"value": "b"}]}


@pytest.mark.parametrize(
    ("part", "status", "code", "output"),
    [
        (shell("make", "c", "ok\n", 0), "ok", 0, "ok\n"),
        (shell("make", "c", "\x1b[31mno\x1b[0m\n", 2), "error", 2, "no\n"),
        (shell("make", "c", "who knows"), "unknown", None, "who knows"),
        (shell("make", "c"), "unknown", None, ""),
        (shell("make", "c", isConfirmed={"type": 0}), "denied", None, ""),
        (tool("x", "c", resultError="bad"), "error", None, "bad"),
        (tool("x", "c", resultDetails=PRINTED), "ok", None, "a\nb"),
        (tool("x", "c", resultDetails=PICTURE), "error", None, ""),
        (tool("x", "c", resultDetails=[uri("/x")]), "ok", None, ""),
        (tool("x", "c", data={"kind": "simpleToolInvocation", "input": "in", "output": "out"}), "ok", None, "out"),
        (shell("make", "c", pastTenseMessage="$(info) Enable [shell integration](https://x.y)"), "unknown", None, ""),
        (tool("runTests", "c", pastTenseMessage=markdown("11/12 tests passed")), "unknown", None, "11/12 tests passed"),
    ],
)  # fmt: skip
def test_how_a_call_ended(window: Window, part: Json, status: str, code: int | None, output: str) -> None:
    (result,) = answered(window, model.ToolResult, part)

    assert (result.status, result.exit_code, result.output) == (status, code, output)
    assert result.never_ran == (status == "denied")


@pytest.mark.parametrize(
    ("part", "op", "subject"),
    [
        (edit_call(f"{PROJECT}/a.py", "c"), "edit", f"{PROJECT}/a.py"),
        (tool("copilot_readFile", "c", message={"value": LINK}), "read", f"{PROJECT}/a b.py"),
        (tool("copilot_findTextInFiles", "c", message="Searched for `add(`"), "search", "Searched for `add(`"),
        (tool("mcp_x", "c", message="Ran x", data={"kind": "input", "rawInput": {"query": "q"}}), "other", "q"),
        (tool("mcp_x", "c", data={"kind": "input", "rawInput": {"noteId": "n7", "most": 3}}), "other", "n7"),
        (tool("mcp_x", "c", message="Running `x`", data={"kind": "input", "rawInput": {}}), "other", ""),
        (tool("fetch", "c", message="Fetched [the page](https://example.org/x)"), "other", "Fetched the page"),
    ],
)
def test_what_a_call_is_about(window: Window, part: Json, op: str, subject: str) -> None:
    assert [(call.op, call.subject) for call in answered(window, model.ToolCall, part)] == [(op, subject)]


@pytest.mark.parametrize(
    ("part", "paths"),
    [
        (edits("/x/a.py", "b\n", scheme="vscode-remote"), ["/x/a.py"]),
        (edits("/x/a.py", "b\n", scheme="untitled"), []),
        (edits("/x/a.py", "b\n") | {"uri": "file:///x/a%20b.py"}, ["/x/a b.py"]),
        (edits("/x/a.py", "b\n") | {"edits": [[]]}, []),
        (edits("/x/.carryover/handoff.md", "b\n"), []),
    ],
)
def test_changes_of_files(window: Window, part: Json, paths: list[str]) -> None:
    found = answered(window, model.FileEdit, part)

    assert [(edit.change, edit.path, edit.old_path) for edit in found] == [("modify", path, None) for path in paths]


@pytest.mark.parametrize(
    ("text", "place", "counted"),
    [
        ("a\nb\n", (5, 1, 5, 1), (2, 0, 5, "a")),
        ("", (5, 1, 8, 1), (0, 3, 5, None)),
        ("x", (5, 3, 5, 9), (1, 1, 5, "x")),
        ("\n\ny", (5, 3, 6, 2), (3, 2, 7, "y")),
        ("x", (9, 1, 5, 1), (1, 0, 9, "x")),
    ],
)
def test_lines_of_an_edit_are_counted_from_its_range(window: Window, text: str, place: Any, counted: Any) -> None:
    names = ("startLineNumber", "startColumn", "endLineNumber", "endColumn")
    part = edits("/x/a.py", text) | {"edits": [[{"text": text, "range": dict(zip(names, place, strict=True))}]]}
    [edit] = answered(window, model.FileEdit, part)

    assert (edit.added, edit.removed, edit.line, edit.anchor) == counted


def test_an_edit_on_windows_has_its_path(window: Window) -> None:
    """The `fsPath` of a chat that was exported there has backslashes."""
    found = {**uri("/G:/shop/cart.py"), "fsPath": "g:\\shop\\cart.py"}
    [edit] = answered(window, model.FileEdit, edits("/x/a.py", "b\n") | {"uri": found})

    assert edit.path == "g:/shop/cart.py"


def test_a_file_on_windows_that_the_chat_links_to_has_its_path(window: Window) -> None:
    linked = {"file:///g%3A/shop/cart.py": {"$mid": 1, "path": "/g:/shop/cart.py", "scheme": "file"}}
    message = {"value": "Reading [](file:///g%3A/shop/cart.py)", "uris": linked}
    [call] = answered(window, model.ToolCall, tool("copilot_readFile", "call_1", message=message))

    assert call.subject == "g:/shop/cart.py"


def test_a_call_whose_edit_was_applied_was_not_interrupted_by_a_cancelled_turn(window: Window) -> None:
    one, other, last = (edit_call(f"/x/{name}.py", name) for name in "abc")
    parts = (one, edits("/x/a.py", "b\n"), other, edits("/x/b.py", "b\n", done=False), last)
    results = answered(window, model.ToolResult, *parts, state=CANCELLED)

    assert [result.status for result in results] == ["ok", "interrupted", "interrupted"]


def noted(*told: tuple[str, str]) -> Json:
    """What the extension notes of an answer's calls: the tool by its own name, and the result that the model got."""
    calls = [{"id": f"call_{n}__vscode-1", "name": name, "arguments": "{}"} for n, (name, _) in enumerate(told)]
    results = {str(call["id"]): {"content": [{"value": text}]} for call, (_, text) in zip(calls, told, strict=True)}
    return {"metadata": {"toolCallRounds": [{"response": "", "toolCalls": calls}], "toolCallResults": results}}


def test_a_call_ended_as_the_model_was_told(window: Window) -> None:
    told = noted(
        ("read_file", ""),
        ("read_file", "Command exited with code 1"),
        ("run_in_terminal", "1 failed\n\n\nCommand exited with code 1"),
        ("run_in_terminal", "2 passed"),
        ("apply_patch", "Applying patch failed with error: Invalid context at character 0:\n- a"),
        ("replace_string_in_file", "ERROR while calling tool: Invalid input path: a.py."),
        ("create_file", "ERROR: Your input to the tool was invalid (must be string)"),
        ("run_in_terminal", "The user cancelled the tool call."),
    )
    tools = ("copilot_applyPatch", "copilot_replaceString", "copilot_createFile")
    failed = (edit_call("/x/a.py", f"call_{name}", name) for name in tools)
    read = [tool("copilot_readFile", "log"), markdown("I run it."), tool("copilot_readFile", "test_log")]
    parts = [*read, shell("pytest", "one"), shell("pytest -x", "two"), *failed, shell("sleep 9", "three")]
    asked = request("Go.", *parts, state=CANCELLED, result=told)
    more_calls = noted(("read_file", "ERROR while calling tool: no file"), ("run_in_terminal", "2 passed"))
    other = request("Go on.", shell("pytest", "four"), result=more_calls, at_s=200)
    found = bodies(window, model.ToolResult, asked, other)

    assert [result.never_ran for result in found] == [False] * 5 + [True, True, False, False]
    assert [(result.status, result.exit_code, result.output) for result in found] == [
        ("ok", None, ""),
        ("ok", None, "Command exited with code 1"),
        ("error", 1, "1 failed"),
        ("unknown", None, "2 passed"),
        ("error", None, "Applying patch failed with error: Invalid context at character 0:\n- a"),
        ("error", None, "ERROR while calling tool: Invalid input path: a.py."),
        ("error", None, "ERROR: Your input to the tool was invalid (must be string)"),
        ("interrupted", None, ""),
        ("unknown", None, ""),
    ]


def test_a_call_of_the_extension_itself_is_not_one_that_the_model_was_told_of(window: Window) -> None:
    told = noted(
        ("insert_edit_into_file", ""),
        ("configure_python_environment", "ERROR while calling tool: no implementation"),
        ("run_in_terminal", "2 passed"),
    )
    parts = [edit_call("/x/a.py", "c", "copilot_insertEdit"), tool("vscode_editFile_internal", "d")]
    asked = request("Go.", *parts, shell("pytest", "e"), result=told)
    found = bodies(window, model.ToolResult, asked)

    assert [(result.status, result.output) for result in found] == [("ok", ""), ("ok", ""), ("unknown", "")]


def test_calls_that_the_extension_does_not_note_do_not_hide_how_the_others_ended(window: Window) -> None:
    told = noted(("search_subagent", "calc.py"), ("run_in_terminal", "1 failed\n\nCommand exited with code 1"))
    by_subagent = tool("copilot_readFile", "b", subAgentInvocationId="a")
    parts = [tool("search_subagent", "a"), by_subagent, tool("manage_todo_list", "c"), shell("pytest", "d")]
    found = bodies(window, model.ToolResult, request("Go.", *parts, result=told))

    assert [(result.name, result.status) for result in found][2:] == [
        ("manage_todo_list", "ok"),
        ("run_in_terminal", "error"),
    ]
    assert found[3].exit_code == 1


def test_the_note_that_another_command_was_run_is_no_output(window: Window) -> None:
    note = "Note: The {} the command to `pytest`, and this is the output of running that command instead:\n1 failed"
    told = noted(
        ("run_in_terminal", note.format("tool simplified")),
        ("run_in_terminal", note.format("user manually edited")),
    )
    asked = request("Go.", shell("cd . && pytest", "one"), shell("make", "two"), result=told)

    assert [result.output for result in bodies(window, model.ToolResult, asked)] == ["1 failed", "1 failed"]


def test_questions_and_their_answers(window: Window) -> None:
    options = [{"id": "o1", "label": "PostgreSQL", "value": "o1"}, {"id": "o2", "label": "SQLite", "value": "o2"}]
    asked = {
        "kind": "questionCarousel",
        "questions": [
            {"id": "q1", "type": "singleSelect", "title": "Database", "message": "Which database?", "options": options},
            {"id": "q2", "type": "multiSelect", "title": "Which tests?", "options": options},
            {"id": "q3", "type": "text", "title": "Anything else?"},
            {"id": "q4", "type": "text", "title": ""},
        ],
        "data": {"q1": {"selectedValue": "o2"}, "q2": {"selectedValues": ["o1"], "freeformValue": "unit"}},
        "isUsed": True,
    }
    found = events(window, request("Go.", asked))

    questions, answers = of(found, model.Question), of(found, model.Answer)
    assert [(question.text, question.options) for question in questions] == [
        ("Which database?", ("PostgreSQL", "SQLite")),
        ("Which tests?", ("PostgreSQL", "SQLite")),
        ("Anything else?", ()),
    ]
    answered = zip(questions, ("SQLite", "PostgreSQL, unit"), strict=False)
    assert [(answer.call_id, answer.text) for answer in answers] == [(each.call_id, text) for each, text in answered]


def test_a_plan_and_what_the_user_wrote_about_it(window: Window) -> None:
    """As the editor's source writes it (September 2026)."""
    plan = {"kind": "planReview", "title": "Review plan", "content": "# Discount", "canProvideFeedback": True}
    decided = {**plan, "isUsed": True, "data": {"rejected": True, "feedback": "Round half up."}}
    found = events(window, request("Go.", decided, plan))

    plans = [(proposal.text, proposal.accepted) for proposal in of(found, model.PlanProposal)]
    assert plans == [("# Discount", None), ("", False), ("# Discount", None)]
    assert [prompt.text for prompt in of(found, model.UserPrompt)] == ["Go.", "Round half up."]


def test_a_handoff_that_the_agent_read_is_not_repeated(window: Window) -> None:
    path = f"{PROJECT}/.carryover/handoff.md"
    part = edit_call(path, "c", "copilot_readFile", resultDetails={"output": [{"value": "OUR OWN TEXT"}]})

    assert [result.output for result in answered(window, model.ToolResult, part)] == [""]


def test_a_long_name_of_a_model_and_links_that_never_end_cost_no_time(window: Window) -> None:
    linked = tool("copilot_readFile", "call_read", message="[a](b" * 20_000)
    reading = ChatReading(window.store(chat("any", request("Go.", linked, modelId="a" * 300_000))))
    with costing_little():
        assert len(reading.bodies(model.SessionInfo)) == 1


def test_an_answer_of_many_pieces_costs_no_more_than_its_length(window: Window) -> None:
    named = {"kind": "inlineReference", "inlineReference": {"path": CALC}}
    state = chat("any", request("Go.", *[markdown("word " * 40), named] * 10_000))
    reading = ChatReading(window.store(state))
    with costing_little():
        reading.read()
