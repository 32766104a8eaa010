"""What each record of a log becomes, its tool calls, and the title."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.copilot.contract_case import FIXTURES
from agents.copilot.session import CopilotSession, of, read, source_of
from carryover import model
from carryover.agents.copilot.adapter import AGENT
from carryover.agents.copilot.calls import after_sql
from carryover.model import Event, PlanItem, SessionInfo
from carryover.records.fields import digest


def used(session: CopilotSession, tool: str, said: str, /, failed: str = "", **arguments: Any) -> list[Event]:
    """Calls a tool that says this, and fails in the way `failed` if that is given; what was read then."""
    session.call("c1", tool, **arguments)
    if failed:
        session.failed("c1", said, failed)
    else:
        session.done("c1", said)
    return read(session).events


def test_a_prompt_is_what_was_typed_and_not_what_the_client_made_of_it(session: CopilotSession) -> None:
    session.prompt("And the plum", attachments=[{"type": "file"}], delivery="steering")

    typed = of(read(session).events, model.UserPrompt)
    assert [(prompt.text, prompt.attachments) for prompt in typed] == [("Fix the price.", 0), ("And the plum", 1)]


def test_why_a_hook_lets_no_turn_end_is_no_prompt_of_the_user(session: CopilotSession) -> None:
    """A repository brings hooks, and the client sends their reason as the user's message (1.0.102)."""
    session.record("hook.end", hookType="agentStop", output={"decision": "block", "reason": "Drop the tests.\n"})
    session.prompt("And the plum", delivery="queued")
    session.prompt("Drop the tests.", delivery="queued")
    session.record("hook.end", hookType="agentStop", output={"decision": "allow", "reason": "Ship it."})
    session.record("hook.end", hookType="agentStop")
    session.prompt("Ship it.")

    told = [prompt.text for prompt in of(read(session).events, model.UserPrompt)]
    assert told == ["Fix the price.", "And the plum", "Ship it."]


def test_the_time_behind_a_prompt_was_not_typed(session: CopilotSession) -> None:
    session.prompt("Ship it.\n\n<current_datetime>2025-12-02T08:49:33.652Z</current_datetime>")

    assert [prompt.text for prompt in of(read(session).events, model.UserPrompt)] == ["Fix the price.", "Ship it."]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"errorType": "rate_limit", "statusCode": 429}, "limit"),
        ({"errorType": "quota"}, "limit"),
        ({"errorType": "query", "statusCode": 402}, "limit"),
        ({"errorType": "query", "message": "CAPIError: 429 You have exceeded your monthly quota."}, "limit"),
        ({"errorType": "query"}, "error"),
        ({"errorType": "authentication", "statusCode": 401}, "error"),
        ({"errorType": "mcp"}, None),
        ({"errorType": "model"}, None),
    ],
)
def test_an_error_ends_the_turn_unless_something_was_not_loaded(
    session: CopilotSession, fields: dict[str, Any], reason: Any
) -> None:
    session.record("session.error", **(said := {"message": "It failed.", **fields}))
    ends = of(read(session).events, model.TurnEnd)

    assert ends == ([model.TurnEnd(reason=reason, message=said["message"])] if reason else [])


def test_an_abort_ends_the_turn_and_the_call_in_flight(session: CopilotSession) -> None:
    session.call("c1", "bash", command="sleep 600")
    session.record("abort", reason="user_initiated")
    session.failed("c1", "Tool execution was interrupted before a result was recorded.", "interrupted")

    events = read(session).events
    assert [end.reason for end in of(events, model.TurnEnd)] == ["interrupted"]
    [result] = of(events, model.ToolResult)
    assert (result.status, result.subject) == ("interrupted", "sleep 600")


def test_a_compaction_is_a_summary_only_if_it_was_applied(session: CopilotSession) -> None:
    session.compacted("Nothing yet.", success=False)
    assert read(session).context.log.compacted_ms == 0

    session.compacted("<overview>\nCents.\n</overview>\n<next_steps>\nTest.\n</next_steps>")
    reading = read(session)
    [summary] = of(reading.events, model.AgentSummary)
    assert reading.context.log.compacted_ms == reading.events[-1].at_ms > 0
    assert summary.source == "compaction"
    assert [(part.kind, part.text) for part in summary.parts] == [("request", "Cents."), ("next", "Test.")]


@pytest.mark.parametrize("go_on", [lambda session: session.prompt("Go on"), CopilotSession.resume])
def test_the_next_prompt_or_start_makes_up_for_a_compaction(session: CopilotSession, go_on: Any) -> None:
    session.compacted("The price was fixed.")
    lacks_it = read(session).context
    go_on(session)
    then = read(session).context

    assert lacks_it.compacted_ms > 0 and not lacks_it.prompted
    assert then.prompted or then.compacted_ms == 0


def test_what_a_sub_agent_does_is_its_own(session: CopilotSession) -> None:
    session.call("c1", "task", description="Look at tests", prompt="List the tests.")
    session.record("subagent.started", agent="a1", toolCallId="c1", agentName="explore")
    session.record("user.message", agent="a1", content="List the tests.", source="agent-x")
    session.call("c2", "glob", agent="a1", pattern="*.py")
    session.done("c2", "./a.py", agent="a1")
    session.record("assistant.message", agent="a1", content="One test.", toolRequests=[])
    session.record("subagent.completed", agent="a1", toolCallId="c1", agentName="explore")
    session.done("c1", "One test.")

    events = read(session).events
    assert [prompt.text for prompt in of(events, model.UserPrompt)] == ["Fix the price."]
    assert of(events, model.UserPrompt, agent="a1") == [model.UserPrompt(text="List the tests.", actor="model")]
    assert [call.op for call in of(events, model.ToolCall, agent="a1")] == ["search"]
    assert [message.text for message in of(events, model.AssistantMessage, agent="a1")] == ["One test."]
    assert [(result.op, result.subject) for result in of(events, model.ToolResult)] == [("agent", "Look at tests")]
    assert of(events, model.BackgroundTask) == []


@pytest.mark.parametrize(("record", "state"), [("subagent.completed", "done"), ("subagent.failed", "failed")])
def test_a_sub_agent_in_the_background_runs_until_it_ends(session: CopilotSession, record: str, state: str) -> None:
    session.call("c1", "task", description="Look", mode="background")
    session.done("c1", "Agent started in background.", toolTelemetry={"properties": {"execution_mode": "background"}})
    session.record(record, agent="a1", toolCallId="c1", agentName="explore")

    tasks = of(read(session).events, model.BackgroundTask)
    assert [(task.task_id, task.state) for task in tasks] == [("c1", "running"), ("c1", state)]


def test_work_in_another_project_is_another_session(session: CopilotSession) -> None:
    other = session.cwd.parent / "garden"
    session.record("session.context_changed", cwd=f"{other}/beds", gitRoot=str(other))
    session.prompt("Water the beds.")
    session.record("session.context_changed", cwd=f"{session.cwd}/sub", gitRoot=str(session.cwd))
    session.prompt("Back to the price.")

    events = [event for event in read(session).events if isinstance(event.body, model.UserPrompt)]
    elsewhere = model.session_in_other_cwd(session.session, digest(str(other))[:8])
    assert [(event.session, event.cwd) for event in events[1:]] == [
        (elsewhere, f"{other}/beds"),
        (session.session, f"{session.cwd}/sub"),
    ]


def test_a_session_belongs_to_its_folder_and_not_to_a_repository_in_the_home_folder(tmp_path: Path) -> None:
    """The client names the repository around a folder; that of dotfiles, in the home folder, holds no project."""
    dotfiles = tmp_path / "home"
    session = CopilotSession(tmp_path / "state", dotfiles / "notes")
    (dotfiles / ".git").mkdir(parents=True)
    session.prompt("Sort the notes.")

    infos = [event for event in read(session).events if isinstance(event.body, SessionInfo)]
    assert {event.cwd for event in infos} == {str(session.cwd)}


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("task", "Agent started in background with agent_id: a1."),
        ("bash", "<command started in background with shellId: s1>\nthe README says"),
    ],
)
def test_what_a_tool_says_is_no_job(session: CopilotSession, tool: str, said: str) -> None:
    """A sub-agent's report and what a command printed may hold what the client says of a job."""
    assert of(used(session, tool, said, description="Look", command="cat README.md"), model.BackgroundTask) == []


@pytest.mark.parametrize("ended", ["shellId: s1 completed", "command with id: s1 exited"])
def test_a_command_in_the_background_ends_when_it_is_read(session: CopilotSession, ended: str) -> None:
    started = "<command started in background with shellId: s1>"
    used(session, "bash", started, command="make test", mode="async", shellId="s1")
    session.call("c2", "read_bash", shellId="s1", delay=4)
    session.done("c2", f"late\n<{ended} with exit code 1>")

    events = read(session).events
    results = {result.call_id: result for result in of(events, model.ToolResult)}
    assert (results["c1"].status, results["c1"].exit_code, results["c1"].output) == ("error", 1, "late")
    assert (results["c2"].status, results["c2"].output) == ("ok", "")
    assert [(task.task_id, task.state) for task in of(events, model.BackgroundTask)] == [
        ("c1", "running"),
        ("c1", "done"),
    ]


@pytest.mark.parametrize(
    "started",
    [
        "<command started in background with ID: web>",
        "Listening.\n<waiting for command with sessionId: web to exit timed out after 30 seconds. try again with "
        "read_powershell or abort it with stop_powershell tool>",
    ],
)
def test_a_command_of_an_earlier_client_runs_until_it_is_stopped(session: CopilotSession, started: str) -> None:
    used(session, "powershell", started, command="npm start", sessionId="web")
    session.call("c2", "read_powershell", sessionId="web", delay=4)
    session.done("c2", "<waiting for command with sessionId: web to produce output timed out after 4 seconds>")
    running = [task.state for task in of(read(session).events, model.BackgroundTask)]
    session.call("c3", "stop_powershell", sessionId="web")
    session.done("c3", "<command with id: web stopped>")

    events = read(session).events
    states = [(task.task_id, task.state) for task in of(events, model.BackgroundTask)]
    assert (running, states) == (["running"], [("c1", "running"), ("c1", "stopped")])
    stopped = "<command with id: web stopped>"
    assert [(result.call_id, result.status, result.output) for result in of(events, model.ToolResult)] == [
        ("c2", "ok", ""),
        ("c1", "interrupted", ""),
        ("c3", "ok", stopped),
    ]


def test_a_command_in_the_background_that_ends_well_is_reported_by_the_client(tmp_path: Path) -> None:
    # Not in a folder of pytest's: it may be below /dev, where nothing counts as a file.
    session = CopilotSession(tmp_path / ".copilot", Path("/home/dev/shop"))
    session.prompt("Wait a minute.")
    running = "<command with shellId: 0 is still running after 30 seconds. Use read_bash to wait.>"
    used(session, "bash", running, command="sleep 60 > log.txt")
    session.record("system.notification", content="", kind={"type": "shell_completed", "shellId": "0", "exitCode": 0})

    events = read(session).events
    assert [(result.status, result.exit_code) for result in of(events, model.ToolResult)] == [("ok", 0)]
    assert [edit.path for edit in of(events, model.FileEdit)] == [f"{session.cwd}/log.txt"]


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("edit", {"old_str": "PEAR = 1", "new_str": "PEAR = 2"}, ("modify", 1, "PEAR = 2")),
        ("create", {"file_text": "x = 1\ny = 2\n"}, ("add", 2, "x = 1")),
    ],
)
def test_an_edit_without_a_diff_is_known_by_its_arguments(
    session: CopilotSession, tool: str, arguments: dict[str, Any], expected: Any
) -> None:
    [edit] = of(used(session, tool, "Done.", path="prices.py", **arguments), model.FileEdit)

    assert (edit.path, edit.change, edit.added, edit.anchor) == (f"{session.cwd}/prices.py", *expected)


@pytest.mark.parametrize(
    "message", ["Tool 'apply_patch' does not exist.", "Unterminated string in JSON at position 121 (line 1 column 122)"]
)
def test_a_call_that_cannot_be_made_says_nothing_of_the_approach(session: CopilotSession, message: str) -> None:
    [result] = of(used(session, "apply_patch", message, failed="failure", input="x"), model.ToolResult)

    assert result.never_ran


def test_a_refusal_and_the_words_with_it(session: CopilotSession) -> None:
    decision = {"kind": "denied-interactively-by-user", "feedback": "use a temp file"}
    session.call("c1", "bash", command="touch z")
    session.record("permission.completed", toolCallId="c1", result=decision)
    session.failed("c1", "The user rejected this tool call. User feedback: use a temp file", "denied")

    events = read(session).events
    [result] = of(events, model.ToolResult)
    assert (result.status, result.never_ran, result.user_words) == ("denied", True, "use a temp file")
    assert of(events, model.UserPrompt)[-1].text == "use a temp file"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("", "Permission to run this tool was denied due to the following rules: `shell(rm)`"),
        ("", "Permission denied and could not request permission from user"),  # 1.0.48
        (
            "denied-no-approval-rule-and-could-not-request-from-user",
            "Permission denied because no interactive user response was available. Retry in an interactive session "
            "so the user can approve it, or try an alternative that does not require this permission.",
        ),
    ],
)
def test_what_the_client_refuses_by_itself_is_no_word_of_the_users(
    session: CopilotSession, kind: str, said: str
) -> None:
    session.call("c1", "bash", command="rm -f notes.txt")
    if kind:
        session.record("permission.completed", toolCallId="c1", result={"kind": kind})
    session.failed("c1", said, "denied")

    [result] = of(read(session).events, model.ToolResult)
    assert (result.status, result.never_ran, result.output) == ("error", True, said)


def test_a_command_of_the_users_own(session: CopilotSession) -> None:
    session.record("tool.user_requested", toolCallId="u1", toolName="local_shell", arguments={"command": "echo mine"})
    session.done("u1", "mine", shellExecution={"exitCode": 0}, isUserRequested=True)

    events = read(session).events
    assert [(call.actor, call.op, call.subject) for call in of(events, model.ToolCall)] == [
        ("human", "shell", "echo mine")
    ]
    assert [(result.actor, result.output) for result in of(events, model.ToolResult)] == [("human", "mine")]


SCHEMA = {"properties": {"unit": {"type": "string", "enum": ["Cents", "Euros"]}}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"question": "Cents or euros?", "choices": ["Cents", "Euros"]}, "User selected: Cents"),
        ({"message": "Cents or euros?", "requestedSchema": SCHEMA}, "User responded: Cents"),
    ],
    ids=["1.0.48", "1.0.102"],
)
def test_a_question_and_its_answer(session: CopilotSession, arguments: dict[str, Any], said: str) -> None:
    events = used(session, "ask_user", said, **arguments)

    asked = model.Question(call_id="c1", text="Cents or euros?", options=("Cents", "Euros"))
    assert of(events, model.Question) == [asked]
    assert of(events, model.Answer) == [model.Answer(call_id="c1", question="Cents or euros?", text="Cents")]


def test_what_autopilot_says_for_the_user_is_no_answer(session: CopilotSession) -> None:
    said = "User responded: The user is not available to respond and will review your work later. Work autonomously."
    events = used(session, "ask_user", said, question="Cents or euros?")

    assert of(events, model.Answer) == []
    assert [result.status for result in of(events, model.ToolResult)] == ["denied"]


def test_a_diff_on_windows_is_of_the_file_that_the_call_names(session: CopilotSession) -> None:
    """The diff has slashes, and one before the drive's letter (2026)."""
    session.call("c1", "edit", path="C:\\shop\\cart.py", old_str="a", new_str="b")
    diff = "\ndiff --git a/C:/shop/cart.py b/C:/shop/cart.py\n@@ -2,1 +2,1 @@\n-a\n+b\n"
    result = {"content": "File updated.", "detailedContent": diff}
    session.record("tool.execution_complete", toolCallId="c1", success=True, result=result)

    assert [(edit.path, edit.line) for edit in of(read(session).events, model.FileEdit)] == [("C:\\shop\\cart.py", 2)]


@pytest.mark.parametrize(("failed", "accepted"), [("", True), ("rejected", False)])
def test_a_plan_that_was_put_before_the_user(session: CopilotSession, failed: str, accepted: bool) -> None:
    events = used(session, "exit_plan_mode", "So the user said.", failed=failed, summary="First the cart.")

    plans = [(plan.text, plan.accepted) for plan in of(events, model.PlanProposal)]
    assert plans == [("First the cart.", None), ("", accepted)]


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("9. def pay():\n10. \n11.     return 3", "def pay():\n\n    return 3"),
        ("1. Bread\nor rye", "1. Bread\nor rye"),
        (
            "\ndiff --git a/c:/shop/a.py b/c:/shop/a.py\ncreate file mode 100644\nindex 0000000..0000000\n"
            "--- a/dev/null\n+++ b/c:/shop/a.py\n@@ -1,0 +1,2 @@\n def pay():\n     return 3\n",
            "def pay():\n    return 3",
        ),
    ],
)
def test_a_file_is_shown_as_it_is(session: CopilotSession, printed: str, text: str) -> None:
    [result] = of(used(session, "view", printed, path="/a.py"), model.ToolResult)
    assert result.output == text


def test_a_look_at_our_own_file_repeats_nothing_of_it(session: CopilotSession) -> None:
    path = f"{session.cwd}/.carryover/handoff.md"
    [result] = of(used(session, "view", "# [CARRYOVER] Last updated 2026-11-20", path=path), model.ToolResult)

    assert result.output == ""


CART, TESTS = {"cart": PlanItem(text="Add the cart")}, {"tests": PlanItem(text="Test it, don't guess")}
INSERT = "INSERT INTO todos (id, title, status) VALUES ('cart', 'Add the cart', 'pending')"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"{INSERT}, ('tests', 'Test it, don''t guess', 'pending');", CART | TESTS),
        (f"insert or replace into todos (title, id) values ('Add the cart', 'cart'); {INSERT}", CART),
        ("INSERT INTO todos (id, description) VALUES ('cart', 'Add the cart')", CART),
        ("INSERT INTO todos (id, title) VALUES ('cart', (SELECT title FROM old))", {}),
        ("INSERT INTO todos SELECT * FROM old", {}),
        (
            "INSERT INTO todos (id, title) VALUES ('cart', 'Add; (and) test')",
            {"cart": PlanItem(text="Add; (and) test")},
        ),
        ("INSERT INTO todos (id, title) VALUES ('torn", {}),
        ("INSERT INTO todos (id, title) VALUES ('" + 28 * "''" + "(", {}),
        ("INSERT INTO todos (id, title) VALUES (" + 28 * "'a'" + "((", {}),
    ],
)
def test_what_is_inserted(query: str, expected: dict[str, PlanItem]) -> None:
    assert after_sql({}, query) == expected


@pytest.mark.parametrize(
    ("query", "states"),
    [
        ("UPDATE todos SET status = 'in_progress' WHERE id = 'cart'", "active pending"),
        ("UPDATE todos SET status='done', updated_at=CURRENT_DATE WHERE id IN ('cart', 'tests')", "done done"),
        ("UPDATE todos SET status = 'done'", "done done"),
        ("UPDATE todos SET status = 'done' WHERE title LIKE '%cart%'", "pending pending"),
        (f"UPDATE todos SET status = 'done'; {INSERT.replace('INTO', 'OR IGNORE INTO')}", "done done"),
        ("DELETE FROM todos WHERE id = 'cart'", "pending"),
        ("DELETE FROM todos", ""),
        ("DELETE FROM todos WHERE status = 'done'", "pending pending"),
    ],
)
def test_what_is_changed(query: str, states: str) -> None:
    assert " ".join(todo.state for todo in after_sql(CART | TESTS, query).values()) == states


def test_a_todo_with_a_new_id_is_known_by_it_though_it_reads_the_same(session: CopilotSession) -> None:
    again = "DELETE FROM todos; " + INSERT.replace("'cart'", "'basket'")
    for number, query in enumerate((INSERT, again, "UPDATE todos SET status = 'done' WHERE id = 'basket'")):
        session.call(f"c{number}", "sql", query=query)
        session.done(f"c{number}", "")

    assert [item.state for item in of(read(session).events, model.PlanUpdate)[-1].items] == ["done"]


def test_what_a_call_of_an_mcp_servers_tool_is_about_is_in_its_arguments(session: CopilotSession) -> None:
    session.call("c1", "github-list_branches", owner="ann", repo="shop", page=2)
    assert [call.subject for call in of(read(session).events, model.ToolCall)] == ["ann, shop"]


WORKSPACES = FIXTURES.parent / "recorded_workspaces"


def test_the_title_is_the_name_in_the_workspace_file(session: CopilotSession) -> None:
    beside = session.path.with_name("workspace.yaml")
    assert AGENT.source_of(beside, session.home / "session-state") == source_of(session)
    reading = read(session)
    seen = [(WORKSPACES / name).read_text() for name in ("1.0.102.yaml", "1.0.102-quoted-name.yaml")]
    for text in (*seen, "name: null\n", "name: 2026-11-20\n"):
        beside.write_text(text)
        reading = read(session, reading)
    titles = [info.title for info in of(reading.events, SessionInfo) if info.title]

    assert [title.split("[[")[0] for title in titles] == [
        "Interactive question one. ",
        "Add a sub() function with a test in a new file. ",
        "2026-11-20",
    ]
