"""Chats in which only roles tell who speaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carryover.errors import UserError
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from carryover.model import AssistantMessage, FileEdit, ToolResult, UserPrompt
from support.specstory import events_of, said_in

DATE = "2026-11-22T06:00:00Z"
TURNS = [("user", "Fix the test."), ("assistant", "Done.\n\nIt was `//`."), ("user", "And the docs?")]


@pytest.mark.parametrize(
    "begin",
    [
        "{role}:\n{text}",
        "{role}: {text}",
        "{Role}: {text}",
        "**{Role}:** {text}",
        "**{Role}**: {text}",
        "**{Role}**\n\n{text}",
        "## {Role}\n\n{text}",
        "### {Role} (2026-11-20 06:00)\n{text}",
        "### **{Role}:**\n{text}\n\n---",
    ],
)
@pytest.mark.parametrize("title", ["", "# My chat\n\nExported by a script.\n\n", "\ufeff"])
def test_turns_begin_at_lines_with_a_role(tmp_path: Path, begin: str, title: str) -> None:
    turns = [begin.format(role=role, Role=role.capitalize(), text=text) for role, text in TURNS]

    assert said_in(tmp_path / "chat.md", title + "\n\n".join(turns) + "\n") == TURNS


def test_a_chat_of_other_names_for_the_same_roles_is_one(tmp_path: Path) -> None:
    text = "system: Be brief.\nHuman: Fix the test.\nAI: Done.\nHuman: Thanks.\n"

    assert said_in(tmp_path / "chat.txt", text) == [
        ("user", "Fix the test."),
        ("assistant", "Done."),
        ("user", "Thanks."),
    ]


def test_a_session_that_opencode_exported_is_a_chat_with_its_thoughts_and_calls_as_words(tmp_path: Path) -> None:
    """A mode may have brackets in its name. Of a message that the client wrote in the user's role the rule is left."""
    call = "**Tool: bash**\n\n**Input:**\n```json\n{}\n```\n\n**Output:**\n```\n## User\n```"
    turns = [
        ("User", "Fix the test."),
        ("User", ""),
        ("Assistant (Build (fast) \xb7 some-model \xb7 0.9s)", f"_Thinking:_\n\nEasy.\n\nI list them.\n\n{call}"),
        ("User", "And the docs?"),
    ]
    shown = "".join(f"---\n\n## {who}\n\n{text}\n\n".replace("\n\n\n", "\n") for who, text in turns)

    assert said_in(tmp_path / "session.md", f"# Test\n\n**Session ID:** ses_1a\n\n{shown}") == [
        ("user", "Fix the test."),
        ("assistant", f"_Thinking:_\n\nEasy.\n\nI list them.\n\n{call}"),
        ("user", "And the docs?"),
    ]


@pytest.mark.parametrize("begin", ["{name}: {text}", "**{name}:** {text}"])
@pytest.mark.parametrize("title", ["", "# My chat\n\n"])
def test_an_agent_and_the_user_may_speak_under_their_own_names(tmp_path: Path, begin: str, title: str) -> None:
    names = {"user": "ann-b", "assistant": "GitHub Copilot"}
    turns = [begin.format(name=names[role], text=text) for role, text in TURNS]
    path = tmp_path / "chat.md"

    assert said_in(path, title + "\n\n".join(turns)) == TURNS
    assert open_document(Candidate(path)).agent.spec.id == "copilot"
    with pytest.raises(UserError):
        said_in(path, "Note: buy bread.\n\nGitHub Copilots: are planes.\n")


def test_where_code_has_no_end_turns_begin_at_any_role(tmp_path: Path) -> None:
    code = "So:\n\n```\nx = 1\n```"
    said = [("user", "See:\n\n```\n1 failed"), ("assistant", code), ("user", "Why?"), ("assistant", code)]

    assert said_in(tmp_path / "chat.md", "\n\n".join(f"**{role}:** {text}" for role, text in said)) == said


def test_code_that_ends_begins_no_turn_beside_code_without_an_end(tmp_path: Path) -> None:
    said = [
        ("user", "See:\n\n```\n\n**user:** forged\n\n**assistant:** forged\n```\n\nand"),
        ("assistant", "Like:\n\n```py\nx = 1"),
        ("user", "And:\n\n```py\n\n**assistant:** forged\n```\n\nThanks."),
    ]

    assert said_in(tmp_path / "chat.md", "\n\n".join(f"**{role}:** {text}" for role, text in said)) == said


def test_an_agent_that_is_only_spoken_of_is_not_the_one_that_answers(tmp_path: Path) -> None:
    said = [("user", "Which one?"), ("assistant", "Two:\n\nCursor: an editor.")]

    assert said_in(tmp_path / "chat.md", "\n\n".join(f"{role}: {text}" for role, text in said)) == said
    assert open_document(Candidate(tmp_path / "chat.md")).agent.spec.id == "assistant"


def test_a_role_of_another_form_or_in_code_begins_no_turn(tmp_path: Path) -> None:
    answer = "As in:\n\n```yaml\nuser: ann\nassistant: bob\n```\n\n**User:** is bold."
    text = f"user:\nWrite a chat.\n\nassistant:\n{answer}\n"

    assert said_in(tmp_path / "chat.md", text) == [("user", "Write a chat."), ("assistant", answer)]


@pytest.mark.parametrize(
    "text",
    [
        "# Notes\n\nThe user: a person.\nThe assistant: a program.\n",
        "# Roles\n\n## User\n\nSees prices.\n\n## Admin\n\nSets prices.\n",
        "# Follow-ups\n\n**User:** sees prices.\n\n**Owner:** sets them.\n",
        "---\nuser: ann\nassistant: bob\n---\n\n# Notes\n",
        "> **User:** It is for parents.\n>\n> **Assistant:** Tell me more.\n",
        "assistant: none\nuser: ann\n",
        "```\nuser: hi\nassistant: hello\n```\n",
        '{"users": [{"role": "user"}, {"role": "assistant"}]}',
        '[{"role": "user", "content": "Fix the test."}]',
        '[{"role": "admin", "content": "x"}, {"role": "assistant", "content": "y"}]',
    ],
)
def test_notes_and_other_data_are_no_chat(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.md"
    path.write_text(text)

    with pytest.raises(UserError, match="is not recognised"):
        open_document(Candidate(path))


NAMES = {"user": "human", "assistant": "gpt"}
MESSAGES: list[dict[str, Any]] = [{"role": role, "content": text} for role, text in TURNS]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(MESSAGES),
        json.dumps({"model": "m", "messages": MESSAGES}, indent=2),
        "\ufeff" + json.dumps({"messages": MESSAGES}),
        "".join(json.dumps(message) + "\n" for message in MESSAGES),
        json.dumps([{"role": "system", "content": "Be brief."}, *MESSAGES]),
        json.dumps([{**one, "content": [{"type": "text", "text": one["content"]}]} for one in MESSAGES]),
        json.dumps([{**one, "content": [{"text": one["content"]}]} for one in MESSAGES]),
        json.dumps([{**one, "content": [one["content"]]} for one in MESSAGES]),
        json.dumps({"conversations": [{"from": NAMES[role], "value": text} for role, text in TURNS]}),
    ],
)
def test_a_list_of_messages_is_a_chat(tmp_path: Path, text: str) -> None:
    assert said_in(tmp_path / "chat.json", text) == TURNS


PATH = "/home/dev/shop/pricing.py"
ARGUMENTS = {"file_path": PATH, "old_string": "a / b", "new_string": "a // b"}
OPENAI = [
    {"role": "user", "content": "Fix the test.", "tool_calls": None, "tool_call_id": None},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "pytest -q"}'}},
            {"id": "c2", "type": "function", "function": {"name": "edit", "arguments": json.dumps(ARGUMENTS)}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "1 failed"},
    {"role": "tool", "tool_call_id": "c2", "content": "ok"},
    {"role": "assistant", "content": "Done."},
]
ANTHROPIC = [
    {"role": "user", "content": "Fix the test."},
    {
        "role": "assistant",
        "content": [
            {"type": "tool_use", "id": "c1", "name": "bash", "input": {"command": "pytest -q"}},
            {"type": "tool_use", "id": "c2", "name": "edit", "input": ARGUMENTS},
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": "1 failed", "is_error": True},
            {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "ok"}]},
        ],
    },
    {"role": "assistant", "content": [{"type": "text", "text": "Done."}]},
]


RESPONSES = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix the test."}]},
    {"type": "reasoning", "summary": []},
    {"type": "function_call", "call_id": "c1", "name": "bash", "arguments": '{"command": "pytest -q"}'},
    {"type": "function_call", "callId": "c2", "name": "edit", "arguments": json.dumps(ARGUMENTS)},
    {"type": "function_call_output", "call_id": "c1", "output": "1 failed"},
    {"type": "function_call_result", "callId": "c2", "output": {"type": "text", "text": "ok"}},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
]
LANGCHAIN = [
    {"role": "user", "content": "Fix the test."},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "c1", "name": "bash", "args": {"command": "pytest -q"}},
            {"id": "c2", "name": "edit", "args": ARGUMENTS},
        ],
    },
    *OPENAI[2:],
]


@pytest.mark.parametrize("messages", [OPENAI, ANTHROPIC, RESPONSES, LANGCHAIN])
def test_calls_in_messages_have_their_results_and_files(tmp_path: Path, messages: list[dict[str, Any]]) -> None:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(messages))
    bodies = [event.body for event in events_of(open_document(Candidate(path)))]

    results = [(body.op, body.subject, body.output) for body in bodies if isinstance(body, ToolResult)]
    assert results == [("shell", "pytest -q", "1 failed"), ("edit", PATH, "ok")]
    assert [body.path for body in bodies if isinstance(body, FileEdit)] == [PATH]
    assert [body.text for body in bodies if isinstance(body, UserPrompt)] == ["Fix the test."]
    if messages is ANTHROPIC:
        assert next(body for body in bodies if isinstance(body, ToolResult)).status == "error"


def test_an_answer_may_have_a_paragraph_that_begins_like_a_result(tmp_path: Path) -> None:
    text = "**User:** Why?\n\n**Assistant:** Since it rounds.\n\n**Reasoning:** cents.\n\n**Tool:**\nbc\n"

    assert said_in(tmp_path / "chat.md", text) == [
        ("user", "Why?"),
        ("assistant", "Since it rounds.\n\n**Reasoning:** cents.\n\n**Tool:**\nbc"),
    ]


def test_a_longer_copy_of_a_chat_is_the_same_session(tmp_path: Path) -> None:
    keys = []
    for length in (2, 3):
        path = tmp_path / f"{length}.json"
        path.write_text(json.dumps(MESSAGES[:length]))
        keys.append([event.key for event in events_of(open_document(Candidate(path)))])

    assert keys[1][:2] == keys[0]
    assert len(keys[1]) == 3

    path.write_text(json.dumps([{"role": "user", "content": "Why?"}, MESSAGES[1], MESSAGES[2], MESSAGES[1]]))
    other = [event.key for event in events_of(open_document(Candidate(path)))]
    assert len({*keys[1], *other}) == 7, "the same words, in another chat or said again, are others"


def test_the_user_names_the_agent_that_answered(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(MESSAGES))

    assert open_document(Candidate(path)).agent.id == "assistant"
    assert open_document(Candidate(path, agent_id="codex")).agent.id == "codex"


def test_a_code_block_within_another_one_ends_only_itself(tmp_path: Path) -> None:
    answer = "```md\n```sh\nmake\n```\n\nuser: ann\n```"
    text = f"user:\nShow me.\n\nassistant:\n{answer}\n"

    assert said_in(tmp_path / "chat.md", text) == [("user", "Show me."), ("assistant", answer)]


def call(name: str, result: str, *, failed: bool = False, **arguments: Any) -> list[dict[str, Any]]:
    asked = {"type": "tool_use", "id": "c1", "name": name, "input": arguments}
    ended = {"type": "tool_result", "tool_use_id": "c1", "content": result, "is_error": failed}
    return [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [asked]},
        {"role": "user", "content": [ended]},
    ]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (call("Bash", "Exit code 2\nno", command="make"), ("make", "error", "")),
        (call("execute_bash", "ok", failed=True, command="make"), ("make", "error", "")),
        (call("str_replace_editor", "done", command="str_replace", path=PATH, old_str="a", new_str="b"),
         (PATH, "ok", PATH)),
        (call("str_replace_editor", "1 a", command="view", path=PATH), (PATH, "ok", "")),
        (call("Write", "done", file_path=PATH, content="x = 1\n"), (PATH, "ok", PATH)),
        (call("Write", "no", failed=True, file_path=PATH, content="x"), (PATH, "error", "")),
        (call("apply_patch", "ok", input=f"*** Begin Patch\n*** Update File: {PATH}\n@@\n-a\n+b\n*** End Patch"),
         (PATH, "ok", PATH)),
        (call("apply_patch", "ok", patchText=f"*** Begin Patch\n*** Update File: {PATH}\n@@\n-a\n+b\n*** End Patch"),
         (PATH, "ok", PATH)),
        (call("replace_string_in_file", "ok", filePath=PATH, oldString="a", newString="b"), (PATH, "ok", PATH)),
        (call("edit_file", "ok", path=PATH, diff="------- SEARCH\na\n=======\nb\n+++++++ REPLACE"), (PATH, "ok", PATH)),
        (call("create_directory", "ok", path=PATH), (PATH, "ok", "")),
        (call("mystery", "42", subject="life"), ("life", "ok", "")),
    ],
)  # fmt: skip
def test_calls_of_any_tool_say_what_was_done(
    tmp_path: Path, messages: list[dict[str, Any]], expected: tuple[str, ...]
) -> None:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(messages))
    found = [event.body for event in events_of(open_document(Candidate(path)))]

    [result] = [body for body in found if isinstance(body, ToolResult)]
    edits = [body.path for body in found if isinstance(body, FileEdit)]
    assert (result.subject, result.status, "".join(edits)) == expected


def test_a_file_that_was_deleted_was_not_modified(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(call("delete_file", "ok", path=PATH)))
    found = [event.body for event in events_of(open_document(Candidate(path)))]

    assert [body.change for body in found if isinstance(body, FileEdit)] == ["delete"]


@pytest.mark.parametrize("dated", [{"timestamp": DATE}, {"_metadata": {"timestamp": DATE}}])
def test_a_messages_time_may_stand_in_its_metadata(tmp_path: Path, dated: dict[str, Any]) -> None:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps({"messages": [{**message, **dated} for message in MESSAGES]}))

    assert {event.at_ms for event in events_of(open_document(Candidate(path)))} == {1_795_327_200_000}


@pytest.mark.parametrize("value", [None, 7, [[]], {"results": [None]}, "[" * 900])
@pytest.mark.parametrize("name", ["content", "message", "role", "timestamp", "tool_calls", "observation", "type"])
def test_any_field_of_another_shape_costs_at_most_its_message(tmp_path: Path, name: str, value: Any) -> None:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps([*MESSAGES, {"role": "assistant", "content": "odd", name: value}, *MESSAGES[1:2]]))

    assert [event.body for event in events_of(open_document(Candidate(path)))][-1] == AssistantMessage(text=TURNS[1][1])


def test_a_long_chat_comes_in_bounded_batches(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    for count, chars, most_records, most_bytes in ((2_000, 1, 500, 1 << 20), (64, 100_000, 20, 3 << 20)):
        answers = [{"role": "assistant", "content": "a" * chars}] * count
        path.write_text(json.dumps([MESSAGES[0], *answers]))
        reader = open_document(Candidate(path)).agent.reader
        batches = [reader.read(path, None)]
        while batches[-1].more:
            batches.append(reader.read(path, batches[-1].cursor))

        assert sum(len(batch.records) for batch in batches) == count + 1
        assert max(len(batch.records) for batch in batches) <= most_records
        assert max(sum(len(record.data) for record in batch.records) for batch in batches) <= most_bytes
