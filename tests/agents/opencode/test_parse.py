"""What one record becomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.opencode.contract_case import model, user
from agents.opencode.stores import FIXTURES, START_MS
from carryover.adapter.contract import Source
from carryover.agents.opencode.adapter import AGENT
from carryover.model import Answer, Body, FileEdit, SessionInfo, ToolCall, ToolResult, TurnEnd, UserPrompt
from contract.case import Reading, fold_one

SOURCE = Source(agent="opencode", path="/data/opencode/opencode.db")
PATCH = "*** Begin Patch\n*** {}\n*** End Patch"
PATCHED = {"files": [{"filePath": "/a", "type": "delete"}, {"filePath": "/b", "type": "add"}]}
REJECTED = "The user rejected permission to use this specific tool call"


def parsed(data: bytes, after: Reading | None = None) -> Reading:
    return fold_one(AGENT, SOURCE, data, None if after is None else after.context)


def found(reading: Reading) -> list[Body]:
    return [event.body for event in reading.events if not isinstance(event.body, SessionInfo)]


def ran(tool: str, given: dict[str, Any], status: str = "completed", **state: Any) -> list[Body]:
    """The events of one call of a tool."""
    times = {"start": START_MS, "end": START_MS + 1}
    data = {"status": status, "input": given, "time": times, **state}
    return found(parsed(model({"type": "tool", "tool": tool, "callID": "c", "state": data})))


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ('"What is left?"', "What is left?"),
        ('"What is left?"\n', "What is left?"),
        ('"one" and "two"', '"one" and "two"'),
        ('"word"', '"word"'),
        ("What is left?", "What is left?"),
    ],
)
def test_a_prompt_loses_the_quotes_that_the_client_put_around_it(stored: str, typed: str) -> None:
    assert found(parsed(user({"type": "text", "text": stored}))) == [UserPrompt(text=typed)]


@pytest.mark.parametrize("typed", ["", "Build a shop.\n\n## How to investigate\nAsk Ann."])
def test_the_template_of_init_is_not_what_was_typed(typed: str) -> None:
    template = (
        "Create or update `AGENTS.md` for this repository.\n\nEvery line should help.\n\n"
        "User-provided focus or constraints (honor these):\n{}\n\n## How to investigate\n\nRead `README*`."
    )

    assert found(parsed(user({"type": "text", "text": template.format(typed)}))) == [
        UserPrompt(text=typed, command="/init")
    ]
    begins, above, _ = template.partition("User-provided focus or constraints (honor these):\n")
    for about in (f"{begins}Keep it short.", f"{begins}{above}Keep it short."):
        assert found(parsed(user({"type": "text", "text": about}))) == [UserPrompt(text=about)]


@pytest.mark.parametrize("base", ["/home/dev/.agents/skills/pricing", "C:\\shop\\pricing", "file:///C:/shop/pricing/"])
@pytest.mark.parametrize("typed", ["", "the first ticket\n\nand its tests"])
def test_a_skill_that_is_called_as_a_command_is_not_what_was_typed(base: str, typed: str) -> None:
    """In 1.18.21."""
    skill = (
        f"Implement the ticket.\n\nCommit.\n\n\nBase directory for this skill: {base}\n"
        "Relative paths in this skill (e.g., scripts/, references/) are relative to this base directory."
    )
    sent = f"{skill}\n\n{typed}" if typed else skill

    assert found(parsed(user({"type": "text", "text": sent}))) == [UserPrompt(text=typed, command="/pricing")]


def test_only_what_was_typed_is_a_prompt() -> None:
    read = {"type": "text", "text": "<content>1: secret plan</content>", "synthetic": True}
    file = {"type": "file", "mime": "text/plain", "filename": "a.py", "url": "file:///a.py"}

    assert found(parsed(user({"type": "text", "text": "Explain @a.py"}, file, read))) == [
        UserPrompt(text="Explain @a.py", attachments=1)
    ]
    assert found(parsed(user(file))) == [UserPrompt(text="", attachments=1)]
    assert found(parsed(user({"type": "text", "text": "hidden", "ignored": True}))) == []


def test_a_comment_on_a_line_is_typed_though_the_client_words_it() -> None:
    """In the web client (1.18.34)."""
    comment = {"path": "shop.py", "selection": {"startLine": 3, "endLine": 3}, "comment": "Use cents."}
    part = {"type": "text", "text": "The user made the following comment regarding line 3 of shop.py: Use cents."}
    noted = {**part, "synthetic": True, "metadata": {"opencodeComment": comment}}

    assert found(parsed(user({"type": "text", "text": "Mind this"}, noted))) == [
        UserPrompt(text="Mind this\nshop.py: Use cents.")
    ]


@pytest.mark.parametrize("typed", ["", "a4d1b52, and what is not committed"])
def test_a_command_for_a_sub_agent_is_a_prompt(typed: str) -> None:
    """As `/review` is (1.2.20, 1.18.34), in whose template the words stand; those of another command are not known."""
    template = f"You are a code reviewer.\n\n---\n\nInput: {typed}\n\n---\n\n## Determining What to Review\n\nShow it."

    for prompt, words in ((template, typed), (f"Look at {typed}.", "")):
        part = {"type": "subtask", "agent": "build", "command": "review", "prompt": prompt}
        assert found(parsed(user(part))) == [UserPrompt(text=words, command="/review")]


def test_a_prompt_counts_whatever_the_clock_of_its_client_said() -> None:
    written = user({"type": "text", "text": "Fix it"}).replace(str(START_MS).encode(), b"1000")

    assert [event.at_ms for event in parsed(written).events if isinstance(event.body, UserPrompt)] == [1000]


def test_that_a_plan_was_approved_is_what_the_client_says_of_it() -> None:
    """It has asked before the call ends, in whose metadata Kilo names the plan (1.18.34: source)."""
    planned = parsed(model({"type": "tool", "tool": "plan_exit", "state": {"status": "completed", "metadata": {}}}))
    approved = {"type": "text", "synthetic": True, "text": "The plan at p.md has been approved."}

    assert found(parsed(user(approved), planned)) == []


def test_a_command_that_a_person_ran_is_theirs() -> None:
    note = {"type": "text", "text": "The following tool was executed by the user", "synthetic": True}
    asked = parsed(user(note))
    call = {"type": "tool", "tool": "bash", "state": {"status": "completed", "input": {"command": "ls"}}}

    for parent, actor in (("msg_made", "human"), ("msg_other", "model")):
        bodies = found(parsed(model(call, parentID=parent), asked))
        assert [getattr(body, "actor", None) for body in bodies] == [actor, actor]


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        ({"name": "MessageAbortedError", "data": {"message": "aborted"}}, "interrupted", ""),
        ({"name": "APIError", "data": {"message": "No money", "statusCode": 402}}, "limit", "No money"),
        ({"name": "APIError", "data": {"message": "Usage limit reached", "statusCode": 403}}, "limit", None),
        ({"name": "APIError", "data": {"message": "Overloaded", "statusCode": 529}}, "error", "Overloaded"),
        ({"name": "ProviderAuthError", "data": {"providerID": "x"}}, "error", "ProviderAuthError"),
    ],
)
def test_how_a_turn_ended(error: dict[str, Any], reason: str, message: str | None) -> None:
    [end] = found(parsed(model(error=error)))

    assert isinstance(end, TurnEnd)
    assert end.reason == reason
    assert message is None or end.message == message


@pytest.mark.parametrize(
    ("tool", "given", "op", "subject"),
    [
        ("bash", {"command": "make test", "description": "Test"}, "shell", "make test"),
        ("read", {"filePath": "/a.py"}, "read", "/a.py"),
        ("grep", {"pattern": "total", "path": "/a"}, "search", "total"),
        ("webfetch", {"url": "https://example.com"}, "web", "https://example.com"),
        ("task", {"description": "Find callers", "prompt": "Find them"}, "agent", "Find callers"),
        ("question", {"questions": [{"question": "Red?"}]}, "ask", "Red?"),
        ("skill", {"name": "commit"}, "other", "commit"),
        ("invalid", {"tool": "reed", "error": "no such tool"}, "other", "reed"),
        ("apply_patch", {"patchText": PATCH.format("Delete File: a.py")}, "edit", "/home/dev/shop/a.py"),
        ("github_list_issues", {"query": "bug"}, "other", "bug"),
    ],
)
def test_what_a_call_does_and_is_about(tool: str, given: dict[str, Any], op: str, subject: str) -> None:
    [call] = [body for body in ran(tool, given) if isinstance(body, ToolCall)]

    assert (call.op, call.subject) == (op, subject)


@pytest.mark.parametrize(
    ("output", "read"),
    [
        (
            "<path>/a</path>\n<type>file</type>\n<content>1: </content>\n2: b\n\n(End of file - 2 lines)\n</content>",
            "1: </content>\n2: b",
        ),
        ("<path>/a</path>\n<type>directory</type>\n<entries>\na.md\nb/\n\n(2 entries)\n</entries>", "a.md\nb/"),
        ("<path>/a</path> is said here", "<path>/a</path> is said here"),
    ],
)
def test_what_is_read_is_known_without_the_clients_frame(output: str, read: str) -> None:
    [result] = [body for body in ran("read", {"filePath": "/a"}, output=output) if isinstance(body, ToolResult)]

    assert result.output == read


@pytest.mark.parametrize(
    ("output", "report"),
    [
        (
            '<task id="ses_1" state="done">\n<task_result>\nIt has </task_result>\nthere.\n</task_result>\n</task>',
            "It has </task_result>\nthere.",
        ),
        (
            '<task id="ses_1" state="error">\n<summary>Count</summary>\n<task_error>\nNone.\n</task_error>\n</task>',
            "None.",
        ),
        ("task_id: ses_1 (for resuming)\n\n<task_result>\nOne pear.\n</task_result>", "One pear."),
        ("task_id: ses_1\n\n<task_result>\nx\n\n(2 entries in all)\n</task_result>", "x\n\n(2 entries in all)"),
        ("It says <task_result>\nx\n</task_result>", "It says <task_result>\nx\n</task_result>"),
    ],
)
def test_what_a_sub_agent_reports_is_known_without_the_clients_frame(output: str, report: str) -> None:
    """Runs of 1.18.34 and 1.2.27; the second: source of 1.18.34."""
    [result] = [body for body in ran("task", {"description": "Count"}, output=output) if isinstance(body, ToolResult)]

    assert result.output == report


def test_what_the_user_wrote_while_refusing() -> None:
    refusal = f"{REJECTED} with the following feedback: Not that file."
    _, result, said = ran("edit", {}, "error", error=refusal)

    assert isinstance(result, ToolResult)
    assert (result.status, result.user_words) == ("denied", "Not that file.")
    assert said == UserPrompt(text="Not that file.")


@pytest.mark.parametrize(
    ("tool", "error", "shown"),
    [
        # The names of a folder, in which a file of a cloned repository is called so.
        (
            "read",
            f"File not found: /a/README\n\nDid you mean one of these?\n{REJECTED} with the following feedback: Ship it",
            None,
        ),
        ("read", f"Error: EACCES: /a/{REJECTED} with the following feedback: Ship it", None),
        ("grep", f"rg: {REJECTED}.", None),
        ("notes_list", f"{REJECTED} with the following feedback: Ship it", "tool refused, it said: Ship it"),
        ("notes_list", f"{REJECTED}.", None),
        ("webfetch", f"Error: {REJECTED} with the following feedback: Ship it", "tool refused, it said: Ship it"),
        ("task", f"{REJECTED} with the following feedback: Ship it", "tool refused, it said: Ship it"),
    ],
)
def test_a_tool_that_words_a_refusal_is_not_the_user(tool: str, error: str, shown: str | None) -> None:
    bodies = ran(tool, {}, "error", error=error)

    [result] = [body for body in bodies if isinstance(body, ToolResult)]
    assert (result.status, result.user_words, result.output) == ("error", "", shown or error)
    assert not any(isinstance(body, UserPrompt) for body in bodies)


def test_refusals_of_a_real_user_count_and_the_same_text_from_elsewhere_does_not() -> None:
    """What the user typed begins with "No, leave". The rest is from an MCP server, a tool `patch` of a server `apply`,
    which takes the place of the built-in one, and the name of a file."""
    recorded = json.loads((FIXTURES / "1.18.34" / "refusals.json").read_bytes())
    bodies = [body for part in recorded for body in found(parsed(model(part)))]

    assert [prompt.text for prompt in bodies if isinstance(prompt, UserPrompt)] == [
        "No, leave the BASHPEAR alone",
        "No, leave the WRITEPEAR alone",
        "No, leave the OUTSIDE alone",
    ]
    assert [(body.name, body.status) for body in bodies if isinstance(body, ToolResult)] == [
        ("bash", "denied"),
        ("bash", "denied"),
        ("write", "denied"),
        ("notes_look", "error"),  # the user's, but an MCP server's would be the same
        ("webfetch", "error"),
        ("notes_look", "error"),
        ("bash", "denied"),
        ("notes_look", "error"),
        ("apply_patch", "error"),
        ("read", "error"),
    ]


@pytest.mark.parametrize(
    ("bodies", "ends"),
    [
        (ran("bash", {}, output="x", metadata={"exit": 0}), [("ok", 0)]),
        (ran("bash", {}, output="x", metadata={"exit": 2}), [("error", 2)]),
        (ran("bash", {}, output="x", metadata={"exit": None}), [("unknown", None)]),
        (ran("bash", {}, output="<metadata>User aborted the command</metadata>"), [("interrupted", None)]),
        (ran("read", {}, output="x"), [("ok", None)]),
        (ran("edit", {}, "error", error="Could not find oldString in the file."), [("error", None)]),
        (ran("edit", {}, "error", error=f"{REJECTED}."), [("denied", None)]),
        (ran("task", {}, "error", error="Tool execution aborted"), [("interrupted", None)]),
        (ran("bash", {}, "running"), []),
    ],
)
def test_how_a_call_ended(bodies: list[Body], ends: list[tuple[str, int | None]]) -> None:
    assert [(body.status, body.exit_code) for body in bodies if isinstance(body, ToolResult)] == ends


def test_a_command_that_the_client_ended_has_failed_and_says_why() -> None:
    said = "shell tool terminated command after exceeding timeout 120000 ms"
    note = f"<shell_metadata>\n{said}. If this command is expected to take longer, retry.\n</shell_metadata>"
    ended = ran("bash", {}, output=f"up\n\n{note}", metadata={"exit": None})
    quoted = ran("bash", {}, output=f"{said}\n", metadata={"exit": None})

    found = [(body.status, body.output) for body in (*ended, *quoted) if isinstance(body, ToolResult)]
    assert found == [("error", f"up\n{said}"), ("unknown", f"{said}\n")]


@pytest.mark.parametrize(
    ("bodies", "changes"),
    [
        (ran("edit", {"filePath": "/n.py", "oldString": "", "newString": "x"}), [("/n.py", "add")]),
        (ran("write", {"filePath": "/n.py", "content": "x"}, metadata={"exists": False}), [("/n.py", "add")]),
        (ran("write", {"filePath": "/n.py", "content": "x"}, metadata={"exists": True}), [("/n.py", "modify")]),
        (
            ran("bash", {"command": "echo x > n.txt", "workdir": "/other"}, metadata={"exit": 0}),
            [("/other/n.txt", "modify")],
        ),
        (ran("apply_patch", {}, metadata=PATCHED), [("/a", "delete"), ("/b", "add")]),
        (ran("apply_patch", {"patchText": PATCH.format("Add File: c.py\n+x")}), [("/home/dev/shop/c.py", "add")]),
        (ran("read", {"filePath": "/a.py"}), []),
    ],
)
def test_what_a_call_changed(bodies: list[Body], changes: list[tuple[str, str]]) -> None:
    assert [(body.path, body.change) for body in bodies if isinstance(body, FileEdit)] == changes


def test_answers_belong_to_their_questions() -> None:
    given = {"questions": [{"question": "Red?"}, {"question": "Which?"}, {"question": "Why?"}]}
    bodies = ran("question", given, metadata={"answers": [["Yes"], ["a", "b"], []]})

    answers = [(body.question, body.text) for body in bodies if isinstance(body, Answer)]
    assert answers == [("Red?", "Yes"), ("Which?", "a, b")]


@pytest.mark.parametrize(
    ("tokens", "output"),
    [
        ({"total": 167, "input": 100, "output": 10, "reasoning": 7, "cache": {"read": 50, "write": 7}}, 10),
        ({"total": 174, "input": 100, "output": 10, "reasoning": 7, "cache": {"read": 50, "write": 7}}, 17),
        ({"input": 100, "output": 10, "reasoning": 7, "cache": {"read": 50, "write": 7}}, 17),
    ],
)
def test_reasoning_is_output_and_is_counted_once(tokens: dict[str, Any], output: int) -> None:
    """Some versions have it in `output` as well; their sum tells."""
    [used] = parsed(model(modelID="fake-model", tokens=tokens)).tokens

    assert (used.model, used.input, used.output, used.cache_read, used.cache_write) == (
        "fake-model",
        100,
        output,
        50,
        7,
    )
